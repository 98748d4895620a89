"""Plain calls are observed as all others are."""

import pygorums as gorums
from pygorums import telemetry
from tests.behaviour.plain.clients import plain_client
from tests.behaviour.telemetry.tracer import Tracer
from tests.support.calls import ScriptedCalls

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


async def test_the_trace_of_a_plain_client_goes_on() -> None:
    tracer, service = Tracer(), ScriptedCalls()
    otel = telemetry.Instrumentation(tracer_provider=tracer.provider)
    metadata = {"traceparent": f"00-{TRACE}-{SPAN}-01", "z-last": "z"}
    server = gorums.Server(service, address="127.0.0.1:0", plain=True, observers=[otel.server])
    async with server, plain_client(server.address, metadata) as client:
        server.stats()
        assert (await client.echo("ok")).replies == ("ok",)
        assert (await client.echo("fail")).code == "FAILED_PRECONDITION"
        by_status = server.stats().methods["calls.Calls.Echo"].by_status
    assert by_status == {"OK": 1, "FAILED_PRECONDITION": 1}
    assert service.contexts[0].metadata["z-last"] == "z"
    assert not tracer.open
    for span in tracer.ended:
        assert span.context is not None
        assert span.parent is not None
        assert f"{span.context.trace_id:032x}" == TRACE
        assert f"{span.parent.span_id:016x}" == SPAN
    assert [span.name for span in tracer.ended] == ["calls.Calls/Echo"] * 2


async def test_bytes_in_metadata() -> None:
    service = ScriptedCalls()
    metadata: dict[str, object] = {"a": "text", "b-bin": b"\x00\xff"}
    async with gorums.Server(service, address="127.0.0.1:0", plain=True) as server:
        client = plain_client(server.address, metadata)  # type: ignore[arg-type]  # whose type says texts
        async with client as plain:
            assert (await plain.echo("ok")).replies == ("ok",)
    seen = service.contexts[0].metadata
    assert (seen["a"], seen["b-bin"]) == ("text", b"\x00\xff")
