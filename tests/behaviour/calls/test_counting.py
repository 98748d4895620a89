"""Numbers are counted in two places, for speed in one of them: both agree with what is written down here plainly."""

from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pygorums as gorums
from pygorums.testing import SILENT, responses
from tests.protos.calls_pb2 import Text
from tests.support.waiting import within

REPLY = Text(text="yes")
FAILURE = gorums.StatusError(grpc.StatusCode.ABORTED, "no")

ANSWERS = st.lists(st.sampled_from(["reply", "error", "silent"]), min_size=1, max_size=7)


def expected(answers: list[str], need: int) -> tuple[str, int, set[int]]:
    """How a call ends that needs so many replies, how many it has got by then, and which nodes have failed."""
    replies, failed = 0, set[int]()
    for node_id, answer in enumerate(answers, start=1):
        if answer == "reply":
            replies += 1
            if replies == need:
                return "ok", replies, failed
        elif answer == "error":
            failed.add(node_id)
            if len(answers) - len(failed) < need:
                return "incomplete", replies, failed
    return "timeout", replies, failed | {n for n, answer in enumerate(answers, start=1) if answer == "silent"}


def as_it_is(reply: Text, _node: gorums.Node) -> Text:
    return reply


Responses = gorums.Responses[Text]


@pytest.mark.parametrize(
    ("end", "interceptors"),
    [
        (Responses.threshold, ()),
        (Responses.collect_quorum, ()),
        (Responses.threshold, (gorums.map_response(as_it_is),)),
    ],
    ids=["threshold", "collect_quorum", "intercepted"],
)
@given(answers=ANSWERS, data=st.data())
async def test_each_way_to_end_a_call_counts_alike(end: Any, interceptors: Any, answers: list[str], data: Any) -> None:
    need = data.draw(st.integers(1, len(answers)))
    given_by = {"reply": REPLY, "error": FAILURE, "silent": SILENT}
    call = responses({n: given_by[answer] for n, answer in enumerate(answers, start=1)}, interceptors=interceptors)
    outcome, replies, failed = expected(answers, need)
    if outcome == "ok":
        await within(end(call, need))
        return
    kind = gorums.QuorumTimeoutError if outcome == "timeout" else gorums.IncompleteError
    with pytest.raises(gorums.IncompleteError) as raised:
        await within(end(call, need))
    assert (type(raised.value), raised.value.replies, set(raised.value.node_errors)) == (kind, replies, failed)
