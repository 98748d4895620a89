"""Baseline C, over real connections."""

import asyncio
from collections.abc import Sequence

import grpc
import pytest

from benchmarks.loads.outcome import Outcome
from benchmarks.subjects.blocking_fan_out import BlockingFanOut
from benchmarks.subjects.targets import CHANNEL_OPTIONS
from tests.support.waiting import within


async def run(addresses: Sequence[str], *, quorum: int, callers: int = 2, runs: int = 1) -> list[Outcome]:
    """Load in a thread, as nothing of it may block the servers here."""

    def put_on() -> list[Outcome]:
        with BlockingFanOut(addresses, CHANNEL_OPTIONS) as fan_out:
            load = fan_out.load(quorum, callers, 10)
            return [load(0.02) for _ in range(runs)]

    return await within(asyncio.to_thread(put_on))


async def test_a_load_can_be_put_on_again(baselines: list[str]) -> None:
    outcomes = await run(baselines, quorum=2, runs=2)
    assert all(outcome.ops > 0 and outcome.latency is not None for outcome in outcomes)


async def test_nodes_that_fail_do_not_matter_to_a_quorum(baselines: list[str], plain_addresses: list[str]) -> None:
    (outcome,) = await run([plain_addresses[0], *baselines[1:]], quorum=2)
    assert outcome.ops > 0


async def test_a_call_without_a_quorum_fails(baselines: list[str], plain_addresses: list[str]) -> None:
    with pytest.raises(grpc.RpcError) as failed:
        await run([*plain_addresses[:2], baselines[2]], quorum=2)
    assert isinstance(failed.value, grpc.Call)
    assert failed.value.code() is grpc.StatusCode.UNIMPLEMENTED
