"""Processes behind a network that breaks everything: what they have handled agrees with what callers were told."""

from pathlib import Path

import pytest

from tests.robustness.storm import Round, Storm

# gRPC's clients sometimes leave tasks of their own behind where connections break while they are being made.
ROUNDS = {
    "broken connections": Round(kills=False, keep=30.0, client="asyncio", calls=100),
    "servers that are killed": Round(kills=True, keep=0.0, client="asyncio", calls=100),
}


@pytest.mark.timeout(180)  # several processes, on a machine that may be busy
@pytest.mark.parametrize("plan", ROUNDS.values(), ids=ROUNDS)
async def test_storm(plan: Round, tmp_path: Path) -> None:
    storm = Storm(tmp_path, 1, plan)
    problems = await storm.run()
    assert not problems, (problems, storm.faults)
    assert storm.faults
