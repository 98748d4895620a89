"""What is only so for plain clients: one-way methods, order, cancellation, and the end of the server."""

import asyncio
import sys

import grpc
import grpc.aio
import pytest
from google.protobuf.empty_pb2 import Empty

import pygorums as gorums
from pygorums.plain.statuses import MAX_TEXT
from tests.behaviour.plain.clients import Outcome, plain_client
from tests.behaviour.plain.test_the_same_handlers import Odd
from tests.protos.calls_gorums import CallsServer
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.plain_calls import PlainCalls
from tests.support.waiting import until, within


def server(service: gorums.Service, **options: object) -> gorums.Server:
    return gorums.Server(service, address="127.0.0.1:0", plain=True, **options)  # type: ignore[arg-type]  # any of them


@pytest.mark.parametrize("method", ["Note", "Spread"])
async def test_one_way_methods_answer_when_they_are_handled(method: str) -> None:
    service = ScriptedCalls()
    async with server(service) as served, plain_client(served.address) as client:
        call = client.unary(method, "hold:x", Empty)
        await service.has_seen("hold:x")
        assert not call.done()
        service.open_all()
        assert await within(call) == Empty()
        with pytest.raises(grpc.aio.AioRpcError, match="server 1 refuses"):
            await within(client.unary(method, "fail", Empty))


async def test_nothing_is_ordered_between_calls() -> None:
    service = ScriptedCalls()
    async with server(service) as served, plain_client(served.address) as client:
        held = client.unary("Echo", "hold:x")
        await service.has_seen("hold:x")
        assert (await within(client.unary("Ask", "later"))).text == "later"
        service.open_all()
        assert (await within(held)).text == "hold:x"


async def test_handlers_are_cancelled_with_their_callers() -> None:
    service = ScriptedCalls()
    async with server(service) as served, plain_client(served.address) as client:
        cancelled = client.unary("Note", "hold:x", Empty)
        await service.has_seen("hold:x")
        cancelled.cancel()
        await until(lambda: service.contexts[0].over)
        late = client.unary("Echo", "hold:y", timeout=0.3)
        await service.has_seen("hold:y")
        remaining = service.contexts[1].time_remaining()
        assert remaining is not None
        assert 0 <= remaining < 1
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await within(late)
        assert failed.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await until(lambda: service.contexts[1].over)
        follow = client.streaming("hold:z", 3)
        await service.has_seen("hold:z")
        follow.cancel()
        await until(lambda: service.contexts[2].over)


async def test_drain_and_stop_wait_for_calls() -> None:
    service = ScriptedCalls()
    async with server(service) as served, plain_client(served.address) as client:
        held = client.unary("Echo", "hold:x")
        await service.has_seen("hold:x")
        draining = asyncio.ensure_future(served.drain())
        await until(lambda: served.draining)
        assert await client.echo("new") == Outcome((), "UNAVAILABLE", "the server is stopping")
        assert not draining.done()
        other = asyncio.ensure_future(served.stop(10))
        service.open_all()
        assert (await within(held)).text == "hold:x"
        await within(draining)
        await within(other)


async def test_stop_cancels_calls() -> None:
    service = ScriptedCalls()
    async with server(service) as served, plain_client(served.address) as client:
        held = client.unary("Echo", "hold:x")
        await service.has_seen("hold:x")
        await within(served.stop())
        assert service.contexts[0].over
        with pytest.raises((grpc.aio.AioRpcError, asyncio.CancelledError)):
            await within(held)


async def test_streams_are_read_no_faster_than_they_are_taken() -> None:
    made = 0

    class Large(Odd):
        async def follow(self, ctx, request):  # type: ignore[no-untyped-def]  # as the one that it replaces
            nonlocal made
            for _ in range(request.number):
                made += 1
                yield Text(data=bytes(1 << 20))

    async with server(Large()) as served, plain_client(served.address) as client:
        call = client.streaming("", 64)
        assert len((await within(call.read())).data) == 1 << 20
        await until(lambda: made > 4)
        assert made < 64
        taken = 1
        while await within(call.read()) is not grpc.aio.EOF:
            taken += 1
        assert taken == made == 64


async def test_plain_handlers_and_services_that_come_late() -> None:
    service = PlainCalls()
    async with gorums.Server(address="127.0.0.1:0", plain=True) as served, plain_client(served.address) as client:
        assert (await client.echo("ok")).code == "UNIMPLEMENTED"
        served.register(service)
        assert await client.echo("ok") == Outcome(("ok",))
        assert (await client.follow("ok", 2)).replies == ("ok", "ok")
    assert all("pygorums-handler" in name for name in service.threads)


async def test_what_is_no_request() -> None:
    async with server(ScriptedCalls()) as served, plain_client(served.address) as client:
        with pytest.raises(grpc.aio.AioRpcError, match=r"is not a calls\.Text"):
            await within(client.raw("/calls.Calls/Echo", b"\xff"))
        for path in ("/calls/Calls.Echo", "/calls.Calls/Nothing", "/calls/Calls/Echo"):
            with pytest.raises(grpc.aio.AioRpcError) as failed:
                await within(client.raw(path, b""))
            assert failed.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(("text", "most"), [("x" * 20_000, MAX_TEXT), ("é\n" * 20_000, MAX_TEXT // 3)])
async def test_long_statuses_arrive(text: str, most: int) -> None:
    class Long(CallsServer):
        async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
            raise gorums.StatusError(grpc.StatusCode.ABORTED, text, [Text(data=bytes(20_000))])

        ask = follow = note = spread = echo  # type: ignore[assignment]  # not called

    async with server(Long()) as served, plain_client(served.address) as client:
        outcome = await client.echo("")
    assert (outcome.code, outcome.details) == ("ABORTED", ())
    assert text.startswith(outcome.message)
    assert most - 2 <= len(outcome.message.encode()) <= most


async def test_calls_count_as_streams_do() -> None:
    service = ScriptedCalls()
    options = [("pygorums.max_streams", 1)]
    async with server(service, options=options) as served, plain_client(served.address) as client:
        held = client.unary("Echo", "hold:x")
        await service.has_seen("hold:x")
        assert await client.echo("ok") == Outcome((), "RESOURCE_EXHAUSTED", "this server has 1 stream already")
        service.open_all()
        await within(held)
        assert await client.echo("ok") == Outcome(("ok",))


async def test_what_calls_hold_counts_with_what_streams_do() -> None:
    service = ScriptedCalls()
    options = [("pygorums.max_held_bytes", 1 << 20)]
    async with server(service, options=options) as served, plain_client(served.address) as client:
        small = client.unary("Echo", "hold:x")
        await service.has_seen("hold:x")
        outcome = await client.echo("hold:" + "y" * (2 << 20))
        assert outcome.code == "RESOURCE_EXHAUSTED"
        assert "for all together more than 1048576" in outcome.message
        service.open_all()
        assert (await within(small)).text == "hold:x"


async def test_only_grpc_can(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(gorums.ConfigurationError, match=r"cannot use plain=.*use transport='grpc'"):
        gorums.Server(plain=True, transport="asyncio")
    monkeypatch.setenv("PYGORUMS_TRANSPORT", "asyncio")
    for transport in ("auto", None):
        served = gorums.Server(ScriptedCalls(), address="127.0.0.1:0", plain=True, transport=transport)
        async with served, plain_client(served.address) as client:
            assert await client.echo("ok") == Outcome(("ok",))
    async with gorums.local_systems(1, ScriptedCalls, plain=True, transport="auto") as (system,):  # noqa: SIM117
        async with plain_client(system.address) as client:
            assert await client.echo("ok") == Outcome(("ok",))


@pytest.mark.parametrize("package", ["grpc_health", "grpc_reflection"])
async def test_a_missing_package_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("health", "reflection"):
        monkeypatch.delitem(sys.modules, f"pygorums.plain.{module}", raising=False)
    for name in [name for name in sys.modules if name.startswith(package)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModuleNotFoundError, match=rf"needs {package}.*pip install 'pygorums\[plain\]'"):
        gorums.Server(plain=True)
    only = gorums.Plain(reflection=False, health=False)
    served = gorums.Server(ScriptedCalls(), address="127.0.0.1:0", plain=only)
    async with served, plain_client(served.address) as client:
        assert await client.echo("ok") == Outcome(("ok",))
