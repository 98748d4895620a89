"""What traces say of calls and requests: names of the conventions, parents, ends."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

import pygorums as gorums
from pygorums import telemetry
from pygorums.telemetry import conventions
from tests.behaviour.telemetry.tracer import Tracer
from tests.protos.calls_gorums import CallsServer, ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster, connected, scripted, serving
from tests.support.waiting import until, within
from tests.support.worlds import WORLDS, World


@pytest.fixture
def tracer() -> Tracer:
    return Tracer()


@pytest.fixture
async def three(tracer: Tracer) -> AsyncIterator[Cluster[ScriptedCalls]]:
    otel = telemetry.Instrumentation(tracer_provider=tracer.provider)
    async with scripted(3, observers=[otel.client]) as cluster:
        yield cluster


def test_the_names_of_the_conventions() -> None:
    """Those of version 1.45.0 of the semantic conventions for RPC, which are stable."""
    assert {
        name: getattr(conventions, name)
        for name in conventions.__all__
        if name.isupper() and not name.startswith(("NODE", "CALL"))
    } == {
        "SCHEMA": "https://opentelemetry.io/schemas/1.45.0",
        "SYSTEM": "rpc.system.name",
        "GORUMS": "gorums",
        "METHOD": "rpc.method",
        "STATUS_CODE": "rpc.response.status_code",
        "ERROR_TYPE": "error.type",
        "SERVER_ADDRESS": "server.address",
        "SERVER_PORT": "server.port",
        "CLIENT_ADDRESS": "client.address",
        "CLIENT_PORT": "client.port",
        "CLIENT_DURATION": "rpc.client.call.duration",
        "SERVER_DURATION": "rpc.server.call.duration",
    }


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (gorums.StatusError(gorums.StatusCode.NOT_FOUND), "NOT_FOUND"),
        (gorums.IncompleteError("m", {}), "UNAVAILABLE"),
        (gorums.QuorumTimeoutError("m", {}), "DEADLINE_EXCEEDED"),
        (asyncio.CancelledError(), "CANCELLED"),
        (ValueError(), "ValueError"),
        (gorums.StoppedError(), "pygorums.base.errors.StoppedError"),
    ],
    ids=repr,
)
def test_the_type_of_an_error(error: BaseException, kind: str) -> None:
    assert conventions.error_type(error) == kind


async def test_a_call_to_one_node(three: Cluster[ScriptedCalls], tracer: Tracer) -> None:
    await echo(three.node, Text(text="ok"))
    span = tracer.only
    assert (span.name, span.kind, span.status.status_code) == ("calls.Calls/Echo", SpanKind.CLIENT, StatusCode.UNSET)
    assert span.attributes == {
        "rpc.system.name": "gorums",
        "rpc.method": "calls.Calls/Echo",
        "rpc.response.status_code": "OK",
        "server.address": "127.0.0.1",
        "server.port": three.node.port,
        "pygorums.call_type": "rpc",
        "pygorums.node.id": 1,
    }
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.schema_url == "https://opentelemetry.io/schemas/1.45.0"
    assert not span.events


async def test_a_quorum_call_has_an_event_for_each_node(three: Cluster[ScriptedCalls], tracer: Tracer) -> None:
    with pytest.raises(gorums.IncompleteError):
        await ask(three.config, Text(text="ok ok fail")).all()
    span = tracer.only
    assert span.attributes is not None
    assert (span.attributes["pygorums.nodes"], span.attributes["pygorums.call_type"]) == (3, "quorum call")
    assert span.attributes["error.type"] == span.attributes["rpc.response.status_code"] == "FAILED_PRECONDITION"
    assert span.status.status_code is StatusCode.ERROR
    assert "server 3 refuses" in (span.status.description or "")
    told = {(event.name, (event.attributes or {})["pygorums.node.id"]) for event in span.events}
    assert ("pygorums.node.failed", 3) in told
    assert told <= {("pygorums.node.failed", 3), ("pygorums.node.replied", 1), ("pygorums.node.replied", 2)}


async def test_spans_for_each_node(tracer: Tracer) -> None:
    otel = telemetry.Instrumentation(node_spans=True, tracer_provider=tracer.provider)
    async with scripted(3, observers=[otel.client]) as cluster:
        await ask(cluster.config, Text(text="ok ok silent")).majority()
    assert not tracer.open
    (call,) = tracer.named("calls.Calls/Ask")
    nodes = [span for span in tracer.ended if span is not call]
    assert all(span.parent == call.context for span in nodes)
    assert {span.kind for span in nodes} == {SpanKind.INTERNAL}
    by_id: dict[Any, Any] = {(span.attributes or {})["pygorums.node.id"]: span.attributes for span in nodes}
    assert by_id[1]["rpc.response.status_code"] == "OK"
    assert by_id[2]["server.port"] == cluster.config[1].port
    assert by_id[3]["pygorums.node.awaited"] is False, "the call was over before"
    assert "rpc.response.status_code" not in by_id[3]


async def test_what_handlers_end_with(tracer: Tracer, subtests: pytest.Subtests) -> None:
    class Failing(ScriptedCalls):
        async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
            if request.text == "broken":
                raise ZeroDivisionError
            return await super().echo(ctx, request)

    otel = telemetry.Instrumentation(tracer_provider=tracer.provider)
    async with serving(Failing(), observers=[otel.server]) as address, connected([address]) as config:
        for text, status, error_type in (
            ("ok", "OK", None),
            ("fail", "FAILED_PRECONDITION", None),  # which is no fault of the server
            ("broken", "UNKNOWN", "ZeroDivisionError"),
        ):
            with subtests.test(text):
                tracer.ended.clear()
                future = echo(config[0], Text(text=text))
                await asyncio.wait([future])
                assert (future.exception() is None) == (text == "ok")
                await until(lambda: tracer.ended)
                span = tracer.only
                assert (span.name, span.kind) == ("calls.Calls/Echo", SpanKind.SERVER)
                assert span.attributes is not None
                assert span.attributes["rpc.response.status_code"] == status
                assert span.attributes.get("error.type") == error_type
                assert (span.status.status_code is StatusCode.ERROR) == (error_type is not None)
                assert span.attributes["client.address"] == "127.0.0.1"


class Relay(CallsServer):
    """Asks further servers, in every way that handlers can be written."""

    def __init__(self, further: list[gorums.Configuration]) -> None:
        self.further = further

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        await note(self.further[0][0], request)
        return await ask(self.further[0], request).majority()

    async def follow(self, ctx: gorums.ServerContext, request: Text) -> Any:
        for _ in range(2):
            yield await ask(self.further[0], request).majority()

    async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return Text(text=f"{trace.get_current_span().get_span_context().trace_id:032x}")

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None: ...

    async def spread(self, ctx: gorums.ServerContext, request: Text) -> None: ...


async def test_nested_calls_belong_to_the_handler_that_makes_them(tracer: Tracer) -> None:
    otel = telemetry.Instrumentation(tracer_provider=tracer.provider)
    further: list[gorums.Configuration] = []
    async with (
        serving(Relay(further), observers=[otel.server]) as last,
        serving(Relay(further), observers=[otel.server]) as first,
        connected([last], observers=[otel.client]) as inner,
        connected([first], observers=[otel.client]) as config,
    ):
        further.append(inner)
        with tracer.provider.get_tracer("test").start_as_current_span("outermost") as outermost:
            reply = await within(echo(config[0], Text()))
            read = [r.value.text async for r in follow(config, Text()).ignore_errors()]
        await until(lambda: tracer.open == 0)
    trace_id = f"{outermost.get_span_context().trace_id:032x}"
    assert [reply.text, *read] == [trace_id] * 3
    assert {f"{span.context.trace_id:032x}" for span in tracer.ended if span.context} == {trace_id}
    parents = {span.context.span_id: span for span in tracer.ended if span.context}
    for span in tracer.named("calls.Calls/Ask"):
        assert span.parent is not None
        outer = parents[span.parent.span_id]
        if span.kind is SpanKind.SERVER:
            assert (outer.name, outer.kind) == ("calls.Calls/Ask", SpanKind.CLIENT)
        else:
            assert outer.name in ("calls.Calls/Echo", "calls.Calls/Follow")
            assert outer.kind is SpanKind.SERVER


async def test_a_stream_has_no_trace_of_its_own(tracer: Tracer) -> None:
    """What a client says when it opens the stream would be the parent of all that it ever asks."""
    otel = telemetry.Instrumentation(tracer_provider=tracer.provider)
    metadata = {"traceparent": f"00-{1:032x}-{1:016x}-01"}
    async with (
        serving(ScriptedCalls(), observers=[otel.server]) as address,
        connected([address], metadata=metadata) as config,
    ):
        await echo(config[0], Text(text="ok"))
        await until(lambda: tracer.ended)
        assert tracer.only.parent is None
        tracer.ended.clear()
        await echo(config[0], Text(text="ok"), metadata=metadata)
        await until(lambda: tracer.ended)
        parent = tracer.only.parent
        assert parent is not None
        assert (parent.trace_id, parent.span_id, parent.is_remote) == (1, 1, True)


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with WORLDS[request.param]() as world:
        yield world


def test_calls_belong_to_the_span_of_who_makes_them(world: World, tracer: Tracer) -> None:
    """In both worlds: with `pygorums.sync` that is a span of the calling thread."""
    otel = telemetry.Instrumentation(tracer_provider=tracer.provider)
    server = world.do(lambda: world.api.Server(ScriptedCalls(), observers=[otel.server]))
    address = world.do(lambda: server.start("127.0.0.1:0"))
    config = world.do(lambda: world.api.connect([address], observers=[otel.client]))
    for make in (
        lambda: echo(config[0], Text(text="ok")),
        lambda: ask(config, Text(text="ok")).majority(),
        lambda: ask(config, Text(text="ok")).async_majority(),
        lambda: ask(config, Text(text="ok")).collect_all(),
        lambda: spread(config, Text(text="ok")),
        lambda: ask(config, Text(text="ok")).correctable(1).wait(),
    ):
        tracer.ended.clear()

        def within_span(make: Any = make) -> Any:
            with tracer.provider.get_tracer("test").start_as_current_span("outermost"):
                return make()

        async def awaited(make: Any = make) -> Any:
            with tracer.provider.get_tracer("test").start_as_current_span("outermost"):
                return await make()

        world.do(within_span if world.api is gorums.sync else awaited)
        world.do(lambda: until(lambda: len(tracer.ended) == 3) if world.api is gorums else wait_until(tracer))
        (outermost,) = tracer.named("outermost")
        others = [span for span in tracer.ended if span is not outermost]
        assert [span.kind for span in others if span.parent == outermost.context] == [SpanKind.CLIENT]
        assert {span.kind for span in others} == {SpanKind.CLIENT, SpanKind.SERVER}
    world.do(config.close)
    world.do(server.stop)
    assert not tracer.open


def wait_until(tracer: Tracer) -> None:
    asyncio.run(until(lambda: len(tracer.ended) == 3))


async def test_no_call_leaves_a_span_open(tracer: Tracer) -> None:
    """Calls that nobody waits for to the end, in all the ways to leave them."""
    otel = telemetry.Instrumentation(tracer_provider=tracer.provider)
    async with scripted(1, observers=[otel.client]) as cluster:
        config, node = cluster.config, cluster.node

        async def left(text: Text) -> None:
            async for _ in follow(config, text):
                break

        silent, ok = Text(text="silent"), Text(text="ok", number=2)
        for _ in range(10):
            futures: list[asyncio.Future[Any]] = [echo(node, silent), ask(config, silent).async_majority()]
            futures += [asyncio.ensure_future(ask(config, silent).majority()) for _ in range(4)]
            futures += [asyncio.ensure_future(ask(config, silent).collect_all()) for _ in range(4)]
            late = [echo(node, silent, timeout=0.001) for _ in range(4)]
            correctable = ask(config, silent).correctable(1)
            ask(config, silent).send()
            await asyncio.gather(*(left(ok) for _ in range(4)))
            for each in futures:
                each.cancel()
            correctable.cancel()
            await asyncio.wait(futures)
            await asyncio.gather(*late, return_exceptions=True)
        for future in [echo(node, silent) for _ in range(300)]:  # which end with their configuration
            future.add_done_callback(lambda future: future.exception())
    assert tracer.open == 0
    assert len(tracer.ended) == 10 * 20 + 300
