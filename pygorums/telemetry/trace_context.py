"""W3C trace context in the metadata of a message: which trace a call belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable

from opentelemetry.trace import SpanContext, TraceFlags, TraceState

__all__ = ["TRACEPARENT", "TRACESTATE", "context_in", "pairs_for"]

TRACEPARENT = "traceparent"
TRACESTATE = "tracestate"

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


def pairs_for(context: SpanContext) -> tuple[tuple[str, str], ...]:
    """What is sent so that the receiver goes on with a trace."""
    flags = context.trace_flags & TraceFlags.SAMPLED
    parent = (TRACEPARENT, f"00-{context.trace_id:032x}-{context.span_id:016x}-{flags:02x}")
    return (parent, (TRACESTATE, context.trace_state.to_header())) if context.trace_state else (parent,)


def context_in(pairs: Iterable[tuple[str, object]]) -> SpanContext | None:
    """The trace that a message belongs to; None if it says of none that can be understood.

    Of several the last one counts: it is that of the tracer nearest to the wire.
    """
    parent, states = "", []
    for key, value in pairs:
        if key == TRACEPARENT:
            parent = str(value)
        elif key == TRACESTATE:
            states.append(str(value))
    match = _TRACEPARENT.fullmatch(parent)
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if version == "ff" or (version == "00" and rest):
        return None
    state = TraceState.from_header(states) if states else None
    context = SpanContext(
        int(trace_id, 16),
        int(span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(int(flags, 16) & 1),
        trace_state=state,
    )
    return context if context.is_valid else None
