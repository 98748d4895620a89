"""Sessions in the other direction: calls that a server makes back to a client, and those between peers."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import pygorums as gorums
from pygorums.streams.opener_session import OpenerSession
from pygorums.streams.outbound import OutboundChannel
from tests.behaviour.sessions.broken import Line, line
from tests.behaviour.sessions.test_away import take_away
from tests.protos.calls_gorums import ask, echo, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK
from tests.support.proxy import TcpProxy
from tests.support.waiting import until, within


@asynccontextmanager
async def callable_line(
    own: ScriptedCalls, *, linger: float = 5.0, service: ScriptedCalls | None = None
) -> AsyncIterator[Line]:
    """A client whose own service the server can call back."""
    answers = gorums.Server(own)
    async with line(service=service, server={"session_linger": linger}, answers=answers) as one:
        yield one
    await within(answers.stop())


@asynccontextmanager
async def callers(service: ScriptedCalls) -> AsyncIterator[tuple[gorums.Server, str]]:
    """Another server, with its address."""
    server = gorums.Server(service)
    yield server, await within(server.start("127.0.0.1:0"))
    await within(server.stop())


def opened_session(one: Line) -> OpenerSession:
    """The client's end."""
    channel = one.node.channel
    assert isinstance(channel, OutboundChannel)
    assert channel._session is not None
    return channel._session


async def client_of(one: Line) -> gorums.Node:
    await until(lambda: len(one.server.client_config()) == 1)
    return one.server.client_config()[0]


async def test_calls_back_are_handled_once_however_connections_break() -> None:
    own = ScriptedCalls()
    async with callable_line(own) as one:
        client = await client_of(one)
        numbers = [str(number) for number in range(60)]
        calls = []
        for number in numbers:
            calls.append(echo(client, Text(text=number)))
            if int(number) % 10 == 9:
                await asyncio.sleep(0.005)
                one.proxy.reset()
        assert [(await within(call)).text for call in calls] == numbers
        assert own.seen == numbers
        assert await client_of(one) is client


async def test_handlers_of_calls_back_go_on_too() -> None:
    own = ScriptedCalls()
    async with callable_line(own) as one:
        client = await client_of(one)
        call = echo(client, Text(text="hold:door"))
        await own.gates["door"].arrivals()
        one.proxy.reset()
        await one.proxy.attempted(2)
        own.open_all()
        assert (await within(call)).text == "hold:door"
        assert own.seen == ["hold:door"]


async def test_a_client_that_stays_away_cannot_be_called_back() -> None:
    own = ScriptedCalls()
    async with callable_line(own, linger=0.1) as one:
        client = await client_of(one)
        left = echo(client, Text(text="hold-free:door"))
        await own.gates["door"].arrivals()
        one.proxy.stop_listening()
        one.proxy.reset()
        await until(lambda: not one.node.connected)
        waits = echo(client, Text(text="waits"))
        with pytest.raises(gorums.OutcomeUnknownError):
            await within(left)
        with pytest.raises(gorums.StreamDownError) as caught:
            await within(waits)
        assert caught.value.certain
        assert len(one.server.client_config()) == 0
        await one.proxy.listen()
        assert await client_of(one) is client, "it is back, and the same"
        assert (await within(echo(client, Text(text="again")))).text == "again"
        own.open_all()
        assert own.seen == ["hold-free:door", "again"]


async def test_nested_calls_across_a_break() -> None:
    class Nesting(ScriptedCalls):
        async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
            ctx.release()
            reply = await echo(ctx.client_config()[0], Text(text=f"back {request.text}"))
            return Text(text=reply.text)

    own = ScriptedCalls()
    async with callable_line(own, service=Nesting()) as one:
        await client_of(one)
        calls = []
        for number in range(30):
            calls.append(ask(one.config, Text(text=str(number))).async_all())
            if number % 10 == 5:
                await asyncio.sleep(0.005)
                one.proxy.reset()
        assert [(await within(call)).text for call in calls] == [f"back {number}" for number in range(30)]
        assert sorted(own.seen) == sorted(f"back {number}" for number in range(30))


async def test_an_answer_that_comes_too_late_is_none_to_the_call_of_another_process() -> None:
    """Both have the same number. The first process had ended the session before the answer to it was written."""
    own, other = ScriptedCalls(), ScriptedCalls(2)
    async with callable_line(own) as one, callers(other) as (another, address):
        first = echo(await client_of(one), Text(text="hold:first"))
        await own.gates["first"].arrivals()
        held = echo(one.node, Text(text="hold:door"))
        await one.service.gates["door"].arrivals()
        stop = asyncio.create_task(one.server.stop(grace=5))
        session = opened_session(one)
        await until(lambda: session.final is not None)
        one.proxy.freeze()
        written = session._half.kept.written
        own.gates["first"].open()
        await until(lambda: session._half.kept.written > written)
        one.proxy.target = address
        one.proxy.reset()
        one.proxy.thaw()
        await until(lambda: len(another.client_config()) == 1)
        second = echo(another.client_config()[0], Text(text="hold:second"))
        await own.gates["second"].arrivals()
        own.open_all()
        assert (await within(second)).text == "hold:second"
        one.service.open_all()
        await within(stop)
        for call in (first, held):
            with pytest.raises(gorums.OutcomeUnknownError):
                await within(call)


async def test_peers() -> None:
    services = {1: ScriptedCalls(1), 2: ScriptedCalls(2)}
    proxies = {number: TcpProxy("127.0.0.1:1") for number in services}
    for proxy in proxies.values():
        await proxy.listen()
    changes: list[list[int]] = []
    peers = {number: proxy.address for number, proxy in proxies.items()}
    systems = {
        number: gorums.System(
            "127.0.0.1:0",
            service,
            node_id=number,
            peers=peers,
            session=gorums.Session(keep=5.0),
            session_linger=5.0,
            backoff=QUICK,
            on_config_change=lambda config: changes.append(list(config.node_ids)),
        )
        for number, service in services.items()
    }
    try:
        for number, system in systems.items():
            proxies[number].target = await within(system.start())
        for system in systems.values():
            await within(system.wait_for_config(lambda config: len(config) == 2))
        told = len(changes)
        calls: list[asyncio.Future[Any]] = []
        for number in range(30):
            peer = next(node for node in systems[1].config() if node.id == 2)
            calls += [echo(peer, Text(text=f"in {number}")), note(systems[2].outbound[0], Text(text=f"out {number}"))]
            if number % 10 == 5:
                await asyncio.sleep(0.005)
                for proxy in proxies.values():
                    proxy.reset()
        await within(asyncio.gather(*calls))
        await services[1].has_seen_count(30)
        assert services[1].seen == [f"out {number}" for number in range(30)]
        assert services[2].seen == [f"in {number}" for number in range(30)]
        assert len(changes) == told, "the peers were there all the time"
    finally:
        for system in systems.values():
            await within(system.stop())
        for proxy in proxies.values():
            await proxy.close()


async def test_on_connect_is_told_of_sessions_and_not_of_connections() -> None:
    contexts: list[gorums.StreamContext] = []
    async with line(server={"on_connect": contexts.append}) as one:
        for _ in range(3):
            await within(echo(one.node, Text(text="ok")))
            one.proxy.reset()
        await within(echo(one.node, Text(text="ok")))
        assert len(contexts) == 1


async def test_nothing_is_logged_of_the_secret(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with line() as one:
            await within(echo(one.node, Text(text="ok")))
            secret = one.node.channel._session._half._id  # type: ignore[attr-defined]
            one.proxy.reset()
            await within(echo(one.node, Text(text="ok")))
    assert len(secret) == 32
    assert secret not in caplog.text


async def test_who_becomes_a_peer_while_it_is_away_is_called_back_when_it_is_there() -> None:
    service = ScriptedCalls()
    async with line(service=service, server={"node_id": 1}, metadata={"gorums-node-id": "2"}) as one:
        await within(echo(one.node, Text(text="before")))
        back = await take_away(one)
        await within(one.server.reconfigure({2: "127.0.0.1:2"}))
        back()
        await within(echo(one.node, Text(text="after")))
        first, second = service.contexts
        assert first.session_id == second.session_id
        assert (first.peer_id, second.peer_id) == (None, 2)
        assert [node.id for node in one.server.config()] == [1, 2]
