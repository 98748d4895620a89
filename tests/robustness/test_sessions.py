"""Processes behind a network that breaks everything: what they have handled agrees with what callers were told."""

from pathlib import Path
from typing import Literal

import pytest

from tests.robustness.storm import Storm

CALLS = 100

TRANSPORT: Literal["asyncio"] = "asyncio"
"""gRPC sometimes leaves tasks of its own behind where connections break while they are being made."""


@pytest.mark.timeout(180)  # several processes, on a machine that may be busy
async def test_broken_connections(tmp_path: Path) -> None:
    storm = Storm(tmp_path, 1, kills=False, transport=TRANSPORT)
    problems = await storm.run(CALLS, keep=30.0)
    assert not problems, (problems, storm.faults)
    assert storm.faults


@pytest.mark.timeout(180)
async def test_servers_that_are_killed(tmp_path: Path) -> None:
    storm = Storm(tmp_path, 2, kills=True, transport=TRANSPORT)
    problems = await storm.run(CALLS, keep=0.0)
    assert not problems, (problems, storm.faults)
