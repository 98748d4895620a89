"""What a handler learns of the time that its caller has."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

import pygorums as gorums
from pygorums.wire.stream_pb2 import Message
from pygorums.wire.timeouts import parse_timeout
from tests.protos.calls_gorums import CallsServer, ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.cluster import connected, serving
from tests.support.frames import request
from tests.support.proxy import TcpProxy
from tests.support.scripted_client import ScriptedClient
from tests.support.scripted_server import ScriptedServer, ServerStream, swallow
from tests.support.waiting import until, within


class Deadlines(CallsServer):
    """Keeps what each handler sees, by the text of its request."""

    def __init__(self) -> None:
        self.seen: dict[str, tuple[float | None, float | None, gorums.Metadata]] = {}
        self.noted = asyncio.Event()

    def _see(self, ctx: gorums.ServerContext, request: Text) -> Text:
        if request.text.startswith("released"):
            ctx.release()
        self.seen[request.text] = ctx.deadline, ctx.time_remaining(), ctx.metadata
        return request

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return self._see(ctx, request)

    def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return self._see(ctx, request)  # in a thread

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None:
        self._see(ctx, request)
        self.noted.set()

    async def spread(self, ctx: gorums.ServerContext, request: Text) -> None:
        self._see(ctx, request)
        self.noted.set()

    async def follow(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:
        yield self._see(ctx, request)


Make = Callable[[gorums.Configuration, Text, dict[str, Any]], Awaitable[Any]]
passing = gorums.map_response(lambda value, node: value)

CALLS: dict[str, Make] = {
    "rpc": lambda config, text, options: echo(config[0], text, **options),
    "quorum call": lambda config, text, options: ask(config, text, **options).majority(),
    "iterated": lambda config, text, options: ask(config, text, **options).collect_all(),
    "streaming": lambda config, text, options: follow(config, text, **options).first(),
    "correctable": lambda config, text, options: follow(config, text, **options).correctable(1).wait(),
}
WITH: dict[str, dict[str, Any]] = {
    "plain": {},
    "metadata": {"metadata": {"k": "v"}},
    "interceptor": {"interceptors": [passing], "metadata": {"k": "v"}},
}


@pytest.mark.parametrize("how", WITH)
@pytest.mark.parametrize("text", ["x", "released"])
@pytest.mark.parametrize("name", CALLS)
async def test_the_timeout_of_a_call(name: str, text: str, how: str) -> None:
    service = Deadlines()
    async with serving(service) as address, connected([address]) as config:
        await within(CALLS[name](config, Text(text=text), {"timeout": 50.0, **WITH[how]}))
        deadline, remaining, metadata = service.seen.pop(text)
        assert deadline is not None
        assert remaining is not None
        assert 20 < deadline - asyncio.get_running_loop().time() < 50
        assert 20 < remaining <= 50
        assert [key for key, _ in metadata.pairs if key in ("k", "grpc-timeout")] == ["k"] * ("metadata" in WITH[how])
        await within(CALLS[name](config, Text(text=text), WITH[how]))
        assert service.seen.pop(text)[:2] == (None, None)


async def test_the_default_timeout_of_a_configuration() -> None:
    service = Deadlines()
    async with serving(service) as address, connected([address]) as config:
        await within(ask(config.with_defaults(timeout=50.0), Text(text="x")).majority())
        remaining = service.seen["x"][1]
        assert remaining is not None
        assert 20 < remaining <= 50


@pytest.mark.parametrize("interceptors", [(), (passing,)])
async def test_one_way_messages_have_none(interceptors: tuple[Any, ...]) -> None:
    """Their timeout is for sending: nobody waits for their handlers."""
    service = Deadlines()
    async with serving(service) as address, connected([address]) as config:
        calls: list[Callable[[], Awaitable[None]]] = [
            lambda: note(config[0], Text(text="x"), timeout=50.0, interceptors=interceptors),
            lambda: spread(config, Text(text="x"), timeout=50.0, interceptors=interceptors),
        ]
        for call in calls:
            service.noted.clear()
            await within(call())
            await within(service.noted.wait())
            assert service.seen.pop("x")[:2] == (None, None)


async def test_a_handler_whose_time_is_up() -> None:
    """As of a client that says so in the request, and goes on to wait all the same."""
    service = Deadlines()
    async with serving(service) as address, ScriptedClient(address) as client:
        payload = Text(text="x").SerializeToString()
        await client.send(request(1, "calls.Calls.Echo", payload, [("grpc-timeout", "1n"), ("k", "v")]))
        await within(client.receive())
        deadline, remaining, metadata = service.seen.pop("x")
        assert deadline is not None
        assert deadline <= asyncio.get_running_loop().time()
        assert remaining == 0
        assert metadata.get_all("k") == ("v",)
        assert "grpc-timeout" not in metadata


@pytest.mark.parametrize("values", [["soon"], ["5"], ["soon", "5S"]])
async def test_what_is_no_timeout_is_none(values: list[str]) -> None:
    service = Deadlines()
    async with serving(service) as address, ScriptedClient(address) as client:
        payload = Text(text="x").SerializeToString()
        await client.send(request(1, "calls.Calls.Echo", payload, [("grpc-timeout", value) for value in values]))
        await within(client.receive())
        assert service.seen["x"][:2] == (None, None)
        assert "grpc-timeout" not in service.seen["x"][2]


async def time_left(stream: ServerStream, text: str) -> str:
    """What a request says of its time, once it has come."""
    found: list[Message] = []

    def come() -> bool:
        found[:] = [m for m in stream.messages if Text.FromString(m.payload).text == text]
        return bool(found)

    await until(come)
    (value,) = [entry.value for entry in found[0].entry if entry.key == "grpc-timeout"]
    assert [entry.value for entry in found[0].entry if entry.key == "k"] == ["v"]
    return value


async def has_lasted(seconds: float) -> None:
    clock = asyncio.get_running_loop().time
    begin = clock()
    await until(lambda: clock() - begin > seconds)


@pytest.mark.parametrize("interceptors", [(), (passing,)])
async def test_a_request_that_is_sent_again_has_the_time_that_is_left(interceptors: tuple[Any, ...]) -> None:
    async with (
        ScriptedServer(swallow) as server,
        TcpProxy(server.address) as proxy,
        connected([proxy.address]) as config,
    ):
        options: dict[str, Any] = {"metadata": {"k": "v"}, "interceptors": interceptors}
        calls: list[asyncio.Future[Any]] = [
            echo(config[0], Text(text="rpc"), timeout=20, **options),
            ask(config, Text(text="all"), timeout=20, **options).async_all(),
        ]
        for text in ("rpc", "all"):
            assert await time_left(await server.opened(1), text) == "20000m"
        await has_lasted(0.03)
        proxy.reset()
        for text in ("rpc", "all"):
            left = parse_timeout(await time_left(await within(server.opened(2)), text))
            assert left is not None
            assert 0 < left <= 19.97
        for call in calls:
            call.cancel()


async def test_a_request_that_had_to_wait_has_the_time_that_is_left() -> None:
    async with ScriptedServer(swallow) as server, TcpProxy(server.address) as proxy:
        proxy.freeze()
        async with gorums.connect([proxy.address]) as config:
            calls: list[asyncio.Future[Any]] = [
                echo(config[0], Text(text="rpc"), timeout=20, metadata={"k": "v"}),
                follow(config, Text(text="follow"), timeout=20, metadata={"k": "v"}).async_all(),
            ]
            await has_lasted(0.03)
            proxy.thaw()
            for text in ("rpc", "follow"):
                left = parse_timeout(await time_left(await within(server.opened(1)), text))
                assert left is not None
                assert 0 < left <= 19.97
            for call in calls:
                call.cancel()
