"""Spans for calls and requests."""
# ruff: noqa: D102 - methods without a docstring are as CallObservation and RequestObservation say

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from opentelemetry import context as otel
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from pygorums.base.metadata import encode_entries
from pygorums.base.method import Method
from pygorums.base.observing import CallObservation, Pairs, RequestObservation
from pygorums.base.outcome import status_name
from pygorums.telemetry import conventions as names
from pygorums.telemetry.trace_context import TRACEPARENT, context_in, pairs_for
from pygorums.version import __version__

__all__ = ["ClientTracing", "Instrumentation", "ServerTracing"]

SHARED = 1024
"""How many calls in a row that are not sampled share the IDs that they tell of."""


class Instrumentation:
    """Traces calls and requests with OpenTelemetry. Give `client` to `connect`, and `server` to servers and systems.

    Each call has a span, from when it is sent until it is over, whatever becomes of it. What its nodes say are events
    of that, or spans of their own. Nodes are told of the call in the metadata of its message, as W3C trace context, so
    that handlers go on with the trace, be they in Python or in Go; what a handler calls belongs to its own span.

    Args:
        node_spans: Whether each node has a span of its own within that of the call.
        sample: The share of the traces that begin here which are recorded, from 0 to 1. It is decided before the SDK
            is asked, whose own samplers cost more than a call. What belongs to a trace already is recorded if that is.
        tracer_provider: Makes the spans; by default the global one, as it is when the first span begins.

    Attributes:
        client: The observer for `connect`.
        server: The observer for `Server` and `System`, of requests and of the calls that the server makes itself.

    Raises:
        ValueError: `sample` is no share.
    """

    def __init__(
        self, *, node_spans: bool = False, sample: float = 1.0, tracer_provider: trace.TracerProvider | None = None
    ) -> None:
        if not 0 <= sample <= 1:
            raise ValueError(f"sample must be a share from 0 to 1, not {sample!r}")
        tracer = trace.get_tracer("pygorums", __version__, tracer_provider, names.SCHEMA)
        sampling = _Sampling(sample)
        self.client = ClientTracing(tracer, sampling, node_spans=node_spans)
        self.server = ServerTracing(tracer, sampling, self.client)


class _Sampling:
    """Which traces that begin here are recorded, and what is told of the others.

    So that calls which are not recorded cost little, many of them share their IDs, which nobody will look for.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self._chance = Random()
        self._left = 0
        self.unsampled = _Unsampled(SpanContext(1, 1, is_remote=False))

    def takes(self) -> bool:
        """Whether to record one more."""
        if self._share >= 1 or self._chance.random() < self._share:
            return True
        self._left -= 1
        if self._left < 0:
            self._left = SHARED
            trace_id, span_id = self._chance.getrandbits(128) or 1, self._chance.getrandbits(64) or 1
            self.unsampled = _Unsampled(SpanContext(trace_id, span_id, is_remote=False, trace_flags=TraceFlags(0)))
        return False


class _Unsampled:
    """A call or request that is not recorded. It only passes on that it is not."""

    __slots__ = ("context", "encoded", "metadata", "span")
    each_node = False

    def __init__(self, span: SpanContext) -> None:
        self.span = span
        self.metadata: Pairs = pairs_for(span)
        self.encoded = encode_entries(self.metadata)  # for those who need not tell of the end
        self.context = trace.set_span_in_context(NonRecordingSpan(span), otel.Context())

    def replied(self, node_id: int) -> None:
        """Nobody calls it."""

    def failed(self, node_id: int, error: Exception) -> None:
        """Nobody calls it."""

    def ended(self, seconds: float, error: BaseException | None) -> None: ...


class ClientTracing:
    """The observer of calls: see `Instrumentation`."""

    def __init__(self, tracer: trace.Tracer, sampling: _Sampling, *, node_spans: bool) -> None:
        self._tracer = tracer
        self._sampling = sampling
        self._node_spans = node_spans
        self._within = sampling.unsampled  # what the last call that was not recorded was made in
        self._attributes: dict[str, dict[str, Any]] = {}  # of each method

    def call(self, method: Method[Any, Any], nodes: Sequence[Any], /) -> CallObservation | None:
        within, parent = trace.get_current_span(), trace.INVALID_SPAN_CONTEXT
        if within is not trace.INVALID_SPAN and (parent := within.get_span_context()).is_valid:
            if not parent.trace_flags & TraceFlags.SAMPLED:
                return self._unsampled(parent)
        elif not self._sampling.takes():
            return self._sampling.unsampled
        known = self._attributes.get(method.name)
        if known is None:
            known = self._attributes[method.name] = {
                names.SYSTEM: names.GORUMS,
                names.METHOD: names.method_name(method.name),
                names.CALL_TYPE: method.call_type.value,
            }
        where = {names.NODES: len(nodes)} if len(nodes) != 1 else _address(nodes[0])
        span = self._tracer.start_span(known[names.METHOD], kind=SpanKind.CLIENT, attributes={**known, **where})
        if not span.is_recording():
            made = span.get_span_context()
            return self._unsampled(made if made.is_valid else parent)  # without an SDK, that of somebody else
        return _TracedCall(self._tracer, span, nodes, known[names.METHOD], node_spans=self._node_spans)

    def _unsampled(self, span: SpanContext) -> _Unsampled | None:
        if not span.is_valid:
            return None  # there is no SDK
        if self._within.span is not span:
            self._within = _Unsampled(span)
        return self._within


def _address(node: Any) -> dict[str, Any]:
    """What is said of a node."""
    told = {names.NODE_ID: node.id, names.SERVER_ADDRESS: node.host}
    if node.port:
        told[names.SERVER_PORT] = node.port
    return told


class _TracedCall:
    """A call that is recorded."""

    __slots__ = ("_node_spans", "_nodes", "_over", "_span", "each_node", "metadata")

    def __init__(self, tracer: trace.Tracer, span: Span, nodes: Sequence[Any], name: str, *, node_spans: bool) -> None:
        self._span = span
        self._nodes = {node.id: node for node in nodes}
        self._over = False
        self._node_spans: dict[int, Span] = {}
        self.each_node = node_spans or len(nodes) > 1
        self.metadata: Pairs = pairs_for(span.get_span_context())
        if node_spans:
            context = trace.set_span_in_context(span)
            for node in nodes:
                attributes = {names.SYSTEM: names.GORUMS, names.METHOD: name, **_address(node)}
                # Not another client's span: the server's belongs to the call.
                self._node_spans[node.id] = tracer.start_span(
                    f"{name} node {node.id}", context, SpanKind.INTERNAL, attributes
                )

    def replied(self, node_id: int) -> None:
        self._answered(node_id, None)

    def failed(self, node_id: int, error: Exception) -> None:
        self._answered(node_id, error)

    def _answered(self, node_id: int, error: Exception | None) -> None:
        if self._over:
            return
        if self._node_spans:
            span = self._node_spans.pop(node_id, None)
            if span is not None:
                _end(span, error)
        elif (node := self._nodes.get(node_id)) is not None:
            if error is None:
                self._span.add_event("pygorums.node.replied", {names.NODE_ID: node_id})
            else:
                told = {**_address(node), names.ERROR_TYPE: names.error_type(error)}
                self._span.add_event("pygorums.node.failed", told)

    def ended(self, seconds: float, error: BaseException | None) -> None:  # noqa: ARG002 - a span has its own clock
        self._over = True
        for span in self._node_spans.values():
            span.set_attribute(names.NODE_AWAITED, value=False)
            span.end()
        self._node_spans.clear()
        _end(self._span, error)


class ServerTracing:
    """The observer of requests, and of a server's own calls: see `Instrumentation`."""

    def __init__(self, tracer: trace.Tracer, sampling: _Sampling, client: ClientTracing) -> None:
        self._tracer = tracer
        self._sampling = sampling
        self._told: str | None = None  # of the last trace that is not recorded,
        self._unsampled = sampling.unsampled  # which is this one
        self.call = client.call

    def request(self, ctx: Any, /) -> RequestObservation | None:
        if ctx.last_value() == self._told:  # as of most requests, if most are not recorded
            otel.attach(self._unsampled.context)
            return None
        pairs = ctx.own_metadata()
        parent = context_in(pairs) if pairs else None
        if parent is None:
            if not self._sampling.takes():
                self._leave_out(self._sampling.unsampled)
                return None
        elif not parent.trace_flags & TraceFlags.SAMPLED:
            unsampled = _Unsampled(parent)
            if pairs[-1][0] == TRACEPARENT:
                self._told, self._unsampled = pairs[-1][1], unsampled
            self._leave_out(unsampled)
            return None
        name = names.method_name(ctx.method)
        context = otel.Context() if parent is None else trace.set_span_in_context(NonRecordingSpan(parent))
        attributes = {names.SYSTEM: names.GORUMS, names.METHOD: name, **_peer(ctx)}
        span = self._tracer.start_span(name, context, SpanKind.SERVER, attributes)
        # For the handler, and for nobody else: the context that this runs in ends with it.
        if span.get_span_context().is_valid:
            context = trace.set_span_in_context(span, context)
        otel.attach(context)
        return _TracedRequest(span) if span.is_recording() else None

    def _leave_out(self, unsampled: _Unsampled) -> None:
        otel.attach(unsampled.context)


def _peer(ctx: Any) -> dict[str, Any]:
    """Where a request came from."""
    kind, _, address = ctx.peer.partition(":")
    host, _, port = address.rpartition(":")
    told: dict[str, Any] = {names.CLIENT_ADDRESS: host, names.CLIENT_PORT: int(port)} if port.isdigit() else {}
    if not told:
        told[names.CLIENT_ADDRESS] = address or kind
    if ctx.peer_id is not None:
        told[names.NODE_ID] = ctx.peer_id
    return told


class _TracedRequest:
    """A request that is recorded."""

    __slots__ = ("_span",)

    def __init__(self, span: Span) -> None:
        self._span = span

    def ended(self, seconds: float, error: BaseException | None) -> None:  # noqa: ARG002 - a span has its own clock
        if error is None or names.is_server_error(status_name(error)):
            _end(self._span, error)
        else:
            self._span.set_attribute(names.STATUS_CODE, status_name(error))
            self._span.end()


def _end(span: Span, error: BaseException | None) -> None:
    span.set_attribute(names.STATUS_CODE, status_name(error))
    if error is not None:
        span.set_attribute(names.ERROR_TYPE, names.error_type(error))
        span.set_status(Status(StatusCode.ERROR, str(error)))
    span.end()
