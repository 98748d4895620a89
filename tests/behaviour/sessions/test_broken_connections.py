"""What is promised while both processes live: each message is handled once and in order, however connections break."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable

import pytest

import pygorums as gorums
from pygorums.transports.choosing import TransportName
from tests.behaviour.sessions.broken import line
from tests.protos.calls_gorums import CallsServer, ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.cluster import connected
from tests.support.proxy import TcpProxy
from tests.support.waiting import until, within


class Log(CallsServer):
    """Writes down what is handled, and takes its time for some."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    async def _handle(self, ctx: gorums.ServerContext, request: Text) -> Text:
        self.numbers.append(request.number)
        if request.number % 5 == 0:
            ctx.release()
        if request.number % 7 == 0:
            await asyncio.sleep(0.001)
        return request

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return await self._handle(ctx, request)

    async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return await self._handle(ctx, request)

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self._handle(ctx, request)

    async def spread(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self._handle(ctx, request)

    async def follow(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:
        await self._handle(ctx, request)
        for part in range(3):
            yield Text(number=part)


class Bad(TcpProxy):
    """A network that breaks every now and then, in one way or another."""

    def break_somehow(self, chance: random.Random) -> None:
        match chance.randrange(3):
            case 0:
                self.reset()
            case 1:
                self.cut_to_server_after(chance.randrange(3000))
            case 2:
                self.cut_to_client_after(chance.randrange(3000))


@pytest.mark.parametrize(("transport", "batching"), [("asyncio", 1), ("asyncio", 0), ("grpc", 1)])
async def test_all_kinds_of_calls(transport: TransportName, batching: int) -> None:
    chance = random.Random(f"{transport} {batching}")
    services = [Log(), Log(), Log()]
    servers = [
        gorums.Server(service, transport=transport, options=[("pygorums.batching", batching)]) for service in services
    ]
    proxies = [Bad(await within(server.start("127.0.0.1:0"))) for server in servers]
    for proxy in proxies:
        await proxy.listen()
    sent: list[list[int]] = [[], [], []]
    outcomes: list[Awaitable[object]] = []
    try:
        async with connected(
            [proxy.address for proxy in proxies],
            transport=transport,
            session=gorums.Session(keep=10.0),
            backoff=gorums.Backoff(initial=0.005, maximum=0.05),
        ) as config:
            for number in range(1, 201):
                request = Text(number=number)
                which = chance.randrange(3)
                kind = chance.randrange(5)
                for index, numbers in enumerate(sent):
                    if kind > 1 or index == which:
                        numbers.append(number)
                if kind == 0:
                    outcomes.append(echo(config[which], request))
                elif kind == 1:
                    outcomes.append(note(config[which], request))
                elif kind == 2:
                    outcomes.append(spread(config, request))
                elif kind == 3:
                    outcomes.append(ask(config, request).async_all())
                else:
                    outcomes.append(follow(config, request).async_all())
                if number % 10 == 0:
                    await asyncio.sleep(0.003)
                if number % 20 == 0:
                    chance.choice(proxies).break_somehow(chance)
            await within(asyncio.gather(*outcomes))
            # One-way calls are done when they were written.
            await until(lambda: [len(service.numbers) for service in services] == [len(numbers) for numbers in sent])
            assert [service.numbers for service in services] == sent
            assert sum(proxy.attempts for proxy in proxies) > 3, "connections did break"
    finally:
        for proxy in proxies:
            await proxy.close()
        for server in servers:
            await within(server.stop())


async def test_handlers_go_on_while_their_connection_is_gone() -> None:
    async with line() as one:
        reply = echo(one.node, Text(text="hold:door"))
        await one.service.gates["door"].arrivals()
        one.proxy.reset()
        await one.proxy.attempted(2)
        assert not one.service.contexts[0].cancelled
        one.service.open_all()
        assert (await within(reply)).text == "hold:door"
        assert one.service.seen == ["hold:door"]


async def test_replies_of_a_streaming_call_go_on_where_they_were() -> None:
    async with line() as one:
        gate = one.service.gates["tap"]
        numbers: list[int] = []

        async def read() -> None:
            async for response in follow(one.config, Text(text="hold-free:tap", number=4)).results():
                numbers.append(response.value.number)  # noqa: PERF401 - others look at it meanwhile

        reader = asyncio.create_task(read())
        for count in range(1, 5):
            await gate.arrivals()
            gate.let()
            await until(lambda count=count: len(numbers) >= count)  # type: ignore[misc] # a default argument binds it
            one.proxy.reset()
            await one.proxy.attempted(count + 1)
        await within(reader)
        assert numbers == [1, 2, 3, 4]
        assert one.service.seen == ["hold-free:tap"]


async def test_without_a_session_a_request_may_be_handled_twice() -> None:
    async with line(session=False) as one:
        reply = echo(one.node, Text(text="hold-free:door"))
        await one.service.gates["door"].arrivals()
        one.proxy.reset()
        await one.service.gates["door"].arrivals()
        one.service.open_all()
        await within(reply)
        assert one.service.seen == ["hold-free:door"] * 2


async def test_the_session_is_known_to_handlers_and_nobody_else() -> None:
    async with line() as one:
        await within(echo(one.node, Text(text="ok")))
        one.proxy.reset()
        await within(echo(one.node, Text(text="ok")))
        first, second = one.service.contexts
        assert first.session_id is not None
        assert first.session_id == second.session_id
        assert not [key for key in first.metadata if key.startswith(("pygorums-session", "pygorums-instance"))]
    async with line(session=False) as one:
        await within(echo(one.node, Text(text="ok")))
        assert one.service.contexts[0].session_id is None


async def test_one_way_messages_wait_for_the_next_connection() -> None:
    async with line() as one:
        await within(echo(one.node, Text(text="ok")))
        one.proxy.freeze()
        for number in range(50):
            await within(note(one.node, Text(text=str(number))))
        one.proxy.reset()
        one.proxy.thaw()
        await one.service.has_seen_count(51)
        assert one.service.seen == ["ok", *map(str, range(50))]


async def test_what_was_cancelled_before_it_arrived_is_not_sent_again() -> None:
    async with line() as one:
        await within(echo(one.node, Text(text="ok")))
        one.proxy.freeze()
        given_up = echo(one.node, Text(text="given up"))
        kept = echo(one.node, Text(text="kept"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        given_up.cancel()
        one.proxy.reset()
        one.proxy.thaw()
        await within(kept)
        assert one.service.seen == ["ok", "kept"]


async def test_a_cancellation_is_not_lost_with_its_connection() -> None:
    async with line(server={"cancel_abandoned": True}) as one:
        call = echo(one.node, Text(text="hold-free:door"))
        await one.service.gates["door"].arrivals()
        one.proxy.freeze()
        call.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        one.proxy.reset()
        one.proxy.thaw()
        await until(lambda: one.service.contexts[0].cancelled)


async def test_half_closes_are_breaks() -> None:
    async with line(transport="asyncio", server={"transport": "asyncio"}) as one:
        reply = echo(one.node, Text(text="hold:door"))
        await one.service.gates["door"].arrivals()
        one.proxy.half_close_from_server()
        await one.proxy.attempted(2)
        one.service.open_all()
        await within(reply)
        assert one.service.seen == ["hold:door"]
