"""Quorums are counted as what is written down here plainly says, by each way to end a call."""

import asyncio
from typing import Any

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pygorums as gorums
from pygorums import quorums as q
from pygorums.testing import SILENT, responses
from tests.protos.calls_gorums import ask
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster
from tests.support.waiting import within
from tests.unit.quorum.test_quorums import expressions

REPLY = Text(text="yes")
FAILURE = gorums.StatusError(grpc.StatusCode.ABORTED, "no")
GIVEN = {"reply": REPLY, "error": FAILURE, "silent": SILENT}
ANSWERS = st.lists(st.sampled_from(list(GIVEN)), min_size=7, max_size=7)


def expected(answers: list[str], quorums: q.Quorums) -> tuple[str, set[int]]:
    """How a call ends, and which nodes have failed by then."""
    replied, failed, everyone = set[int](), set[int](), set(range(1, 8))
    for node_id, answer in enumerate(answers, start=1):
        if answer == "reply":
            replied.add(node_id)
            if quorums.is_quorum(replied):
                return "ok", failed
        elif answer == "error":
            failed.add(node_id)
            if not quorums.is_quorum(everyone - failed):
                return "incomplete", failed
    return "timeout", failed | {n for n, answer in enumerate(answers, start=1) if answer == "silent"}


def as_it_is(reply: Text, _node: gorums.Node) -> Text:
    return reply


async def correctable(call: gorums.Responses[Text], quorums: q.Quorums) -> None:
    _, _, error = await call.correctable(quorums).wait()
    if error is not None:
        raise error


Responses = gorums.Responses[Text]


@pytest.mark.parametrize(
    ("end", "interceptors"),
    [
        (Responses.quorum, ()),
        (Responses.collect_quorum, ()),
        (correctable, ()),
        (Responses.quorum, (gorums.map_response(as_it_is),)),
    ],
    ids=["quorum", "collect_quorum", "correctable", "intercepted"],
)
@settings(max_examples=25)
@given(answers=ANSWERS, quorums=expressions())
async def test_each_way_to_end_a_call_counts_alike(
    end: Any, interceptors: Any, answers: list[str], quorums: q.Quorums
) -> None:
    given_by = {n: GIVEN[answer] for n, answer in enumerate(answers, start=1)}
    call = responses(given_by, interceptors=interceptors)
    outcome, failed = expected(answers, quorums)
    if outcome == "ok":
        await within(end(call, quorums))
        return
    kind = gorums.QuorumTimeoutError if outcome == "timeout" else gorums.IncompleteError
    with pytest.raises(gorums.IncompleteError) as raised:
        await within(end(call, quorums))
    assert (type(raised.value), set(raised.value.node_errors)) == (kind, failed)


async def test_a_quorum_call_leaves_nothing_behind(three: Cluster[ScriptedCalls]) -> None:
    """Cancelled or decided, no node is waited for."""
    quorums = q.all_of(1, 2)
    future = ask(three.config, Text(text="silent")).async_quorum(quorums)
    await three.service.has_seen("silent")
    future.cancel()
    with pytest.raises(asyncio.CancelledError):
        await future
    assert [node.pending for node in three.config] == [0, 0, 0]
    await within(ask(three.config, Text(text="ok ok silent")).quorum(quorums))
    assert [node.pending for node in three.config] == [0, 0, 0]


async def test_systems_that_come_and_go_leave_nothing_behind(three: Cluster[ScriptedCalls]) -> None:
    for _ in range(120):
        await within(ask(three.config, Text(text="x")).quorum(q.majority(three.config).reads))
    assert len(three.config.rules) <= 100


async def test_peers() -> None:
    """Every member asks the members, itself among them."""
    system = q.weighted({1: 2, 2: 1, 3: 1, 4: 1})
    async with gorums.local_systems(4, ScriptedCalls) as systems:
        for each in systems:
            await within(each.wait_for_config(lambda config: len(config) == 4))
            config = each.config()
            assert (await within(ask(config, Text(text="ok ok fail fail")).quorum(system.reads))).number in (1, 2)
            with pytest.raises(gorums.IncompleteError):
                await within(ask(config, Text(text="fail ok ok fail")).quorum(system.reads))
