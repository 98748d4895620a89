"""Which traces are recorded, and what others are told of those that are not; traces over several processes."""

import os

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased

import pygorums as gorums
from pygorums import telemetry
from tests.behaviour.telemetry.relay_process import RelayProcess
from tests.behaviour.telemetry.tracer import Tracer
from tests.protos.calls_gorums import ask, echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import connected, scripted, serving
from tests.support.waiting import within


async def test_one_trace_through_three_processes() -> None:
    tracer = Tracer()
    otel = telemetry.Instrumentation(tracer_provider=tracer.provider)
    async with (
        RelayProcess() as last,
        RelayProcess(last.address) as first,
        connected([first.address], observers=[otel.client]) as config,
    ):
        reply = await within(ask(config, Text()).majority())
    lines = [line.split() for line in reply.text.splitlines()]
    context = tracer.only.context
    assert context is not None
    assert [trace_id for _, trace_id in lines] == [f"{context.trace_id:032x}"] * 2
    assert len({str(os.getpid()), *(pid for pid, _ in lines)}) == 3


class Telling(ScriptedCalls):
    """Answers with the trace that it finds itself in, and whether that is recorded; asks on, if told where."""

    following: gorums.Configuration | None = None

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        context = trace.get_current_span().get_span_context()
        text = f"{context.trace_id:032x} {context.trace_flags:02x}"
        if self.following is not None:
            text += "\n" + (await echo(self.following[0], request)).text
        return Text(text=text)


@pytest.mark.parametrize("by_sdk", [False, True], ids=["by us", "by the SDK"])
async def test_what_is_not_sampled_is_recorded_nowhere(by_sdk: bool) -> None:
    """Nor are the calls of handlers, which are of the same trace."""
    tracer = Tracer()
    if by_sdk:
        tracer.provider.sampler = ParentBased(ALWAYS_OFF)
    client = telemetry.Instrumentation(sample=1 if by_sdk else 0, tracer_provider=tracer.provider)
    server = telemetry.Instrumentation(tracer_provider=tracer.provider)
    first, last = Telling(), Telling()
    async with (
        serving(last, observers=[server.server]) as last_address,
        serving(first, observers=[server.server]) as first_address,
        connected([last_address], observers=[server.client]) as first.following,
        connected([first_address], observers=[client.client]) as config,
    ):
        replies = [(await within(echo(config[0], Text()))).text.splitlines() for _ in range(3)]
    assert not tracer.ended
    assert not tracer.open
    for outer, inner in replies:
        assert outer == inner
        trace_id, flags = outer.split()
        assert int(trace_id, 16)
        assert flags == "00"


async def test_what_belongs_to_a_trace_is_recorded_with_it() -> None:
    tracer = Tracer()
    otel = telemetry.Instrumentation(sample=0, tracer_provider=tracer.provider)
    async with scripted(1, observers=[otel.client]) as cluster:
        with tracer.provider.get_tracer("test").start_as_current_span("outer"):
            await echo(cluster.node, Text(text="ok"))
        await echo(cluster.node, Text(text="ok"))
    assert [span.name for span in tracer.ended] == ["calls.Calls/Echo", "outer"]


async def test_a_share_is_recorded() -> None:
    tracer = Tracer()
    otel = telemetry.Instrumentation(sample=0.5, tracer_provider=tracer.provider)
    async with scripted(1, observers=[otel.client]) as cluster:
        for _ in range(100):
            await echo(cluster.node, Text(text="ok"))
    assert 10 < len(tracer.ended) < 90


async def test_many_that_are_not_recorded_share_an_id_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pygorums.telemetry.tracing.SHARED", 9)
    otel = telemetry.Instrumentation(sample=0, tracer_provider=TracerProvider(shutdown_on_exit=False))
    async with scripted(1, observers=[otel.client]) as cluster:
        for _ in range(25):
            await echo(cluster.node, Text(text="ok"))
        parents = [ctx.metadata["traceparent"] for ctx in cluster.service.contexts]
    assert len(set(parents)) == 3
    assert all(parent.endswith("-00") for parent in parents)


async def test_without_an_sdk_traces_of_others_are_passed_on() -> None:
    """And none begin: there is nobody to record them."""
    otel = telemetry.Instrumentation(tracer_provider=trace.NoOpTracerProvider())
    parent = f"00-{7:032x}-{8:016x}-01"

    class Relay(ScriptedCalls):
        async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
            return await echo(following[0], request)

    async with (
        serving(Telling(), observers=[otel.server]) as last_address,
        serving(Relay(), observers=[otel.server]) as first_address,
        connected([last_address], observers=[otel.client]) as following,
        connected([first_address], observers=[otel.client]) as config,
    ):
        assert (await echo(config[0], Text(), metadata={"traceparent": parent})).text == f"{7:032x} 01"
        assert (await echo(config[0], Text())).text == f"{0:032x} 00"


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_what_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="sample must be a share"):
        telemetry.Instrumentation(sample=share)
