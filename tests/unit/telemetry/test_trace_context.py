"""W3C trace context: which trace a message belongs to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import SpanContext, TraceFlags, TraceState

from pygorums.telemetry.trace_context import context_in, pairs_for

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    ("parent", "sampled"),
    [
        (PARENT, True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-03", True),  # a flag that is for nobody here
        (f"cc-{TRACE}-{SPAN}-01-what-comes-later", True),
    ],
)
def test_what_is_understood(parent: str, sampled: bool) -> None:
    context = context_in([("other", "1"), ("traceparent", parent)])
    assert context is not None
    assert (f"{context.trace_id:032x}", f"{context.span_id:016x}") == (TRACE, SPAN)
    assert context.is_remote
    assert context.trace_flags.sampled == sampled


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "nonsense",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        PARENT + "\n",
    ],
)
def test_what_is_not(parent: str) -> None:
    assert context_in([("traceparent", parent)]) is None


def test_a_message_without_any() -> None:
    assert context_in([]) is None


def test_of_several_the_last_counts() -> None:
    context = context_in([("traceparent", f"00-{TRACE}-{1:016x}-01"), ("traceparent", PARENT)])
    assert context is not None
    assert f"{context.span_id:016x}" == SPAN


def test_the_state_of_other_tracers_is_passed_on() -> None:
    context = context_in([("traceparent", PARENT), ("tracestate", "a=1,b=2"), ("tracestate", "c=3")])
    assert context is not None
    assert dict(context.trace_state) == {"a": "1", "b": "2", "c": "3"}
    assert pairs_for(context) == (("traceparent", PARENT), ("tracestate", "a=1,b=2,c=3"))


@given(
    st.integers(1, 2**128 - 1),
    st.integers(1, 2**64 - 1),
    st.booleans(),
    st.dictionaries(st.sampled_from(["a", "b@c", "d*e"]), st.sampled_from(["1", "x y"])),
)
def test_what_is_sent_is_what_is_read(trace_id: int, span_id: int, sampled: bool, state: dict[str, str]) -> None:
    flags = TraceFlags(TraceFlags.SAMPLED if sampled else 0)
    sent = SpanContext(
        trace_id, span_id, is_remote=False, trace_flags=flags, trace_state=TraceState(list(state.items()))
    )
    read = context_in(pairs_for(sent))
    assert read is not None
    assert (read.trace_id, read.span_id, read.trace_flags) == (trace_id, span_id, flags)
    assert dict(read.trace_state) == state
