"""What was sent in a session arrives though it is closed a moment later, and connections break just then."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

import pygorums as gorums
from tests.behaviour.sessions.broken import ENDS, SAME_ENDS, Ends, Line, line
from tests.protos.calls_gorums import echo, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK, connected, serving
from tests.support.proxy import TcpProxy
from tests.support.waiting import turns, until, within


@pytest.fixture
def short_grace(monkeypatch: pytest.MonkeyPatch) -> float:
    """Seconds that `close` waits for handlers."""
    grace = 0.2
    for module in ("leaving", "outbound"):
        monkeypatch.setattr(f"pygorums.streams.{module}.CLOSE_GRACE", grace)
    return grace


async def close(one: Line) -> None:
    await one.config.close()


async def remove(one: Line) -> None:
    await one.config.remove_node(1)


@ENDS
@pytest.mark.parametrize("end", [close, remove])
async def test_what_was_on_its_way_when_the_connection_was_cut(
    ends: Ends, end: Callable[[Line], Coroutine[Any, Any, None]]
) -> None:
    async with line(ends=ends) as one:
        await within(echo(one.node, Text(text="ok")))
        one.proxy.freeze()
        for number in range(20):
            await within(spread(one.config, Text(text=str(number))))
        ending = asyncio.create_task(end(one))
        await asyncio.sleep(0)
        one.proxy.reset()
        one.proxy.thaw()
        await within(ending)
        await one.service.has_seen_count(21)
        assert one.service.seen == ["ok", *map(str, range(20))]


@SAME_ENDS
async def test_the_connection_is_gone_already(ends: Ends, caplog: pytest.LogCaptureFixture) -> None:
    async with line(ends=ends) as one:
        await within(echo(one.node, Text(text="ok")))
        one.proxy.freeze()
        await within(note(one.node, Text(text="last")))
        one.proxy.turn_away = True
        one.proxy.reset()
        await until(lambda: not one.node.connected)
        ending = asyncio.create_task(one.config.close())
        await asyncio.sleep(0)
        one.proxy.turn_away = False
        one.proxy.thaw()
        await within(ending)
        assert one.service.seen == ["ok", "last"]
    assert "may be lost" not in caplog.text


async def test_it_breaks_again_and_again(caplog: pytest.LogCaptureFixture) -> None:
    async with line(ends=("asyncio", "asyncio")) as one:
        await within(echo(one.node, Text(text="ok")))
        one.proxy.freeze()
        for number in range(20):
            await within(note(one.node, Text(text=str(number))))
        ending = asyncio.create_task(one.config.close())
        for attempt in range(2, 5):
            one.proxy.reset()
            await one.proxy.forwards(attempt)
        one.proxy.thaw()
        await within(ending)
        assert one.service.seen == ["ok", *map(str, range(20))]
    assert "may be lost" not in caplog.text


@SAME_ENDS
async def test_it_is_told_what_may_be_lost(ends: Ends, caplog: pytest.LogCaptureFixture) -> None:
    async with line(ends=ends, keep=0) as one:
        await within(echo(one.node, Text(text="ok")))
        one.proxy.freeze()
        for number in range(3):
            await within(note(one.node, Text(text=str(number))))
        one.proxy.stop_listening()
        one.proxy.reset()
        with caplog.at_level(logging.WARNING, "pygorums.streams"):
            await within(one.config.close(), 0.9)  # it cannot be reached, so nothing is waited for
    assert "3 one-way messages to node 1" in caplog.text


async def test_nothing_is_waited_for_without_reason() -> None:
    """Neither for acknowledgements of what was answered, nor for a node that is down."""
    loop = asyncio.get_running_loop()
    async with line(keep=0) as one:
        await within(echo(one.node, Text(text="ok")))
        await within(note(one.node, Text(text="last")))
        began = loop.time()
        await within(one.config.close(), 0.5)
        assert one.service.seen == ["ok", "last"], f"after {loop.time() - began:.3f} s"
        assert one.proxy.attempts == 1
    async with line(keep=0) as one:
        await within(note(one.node, Text(text="first")))
        one.proxy.stop_listening()
        one.proxy.reset()
        await until(lambda: not one.node.connected and one.node.last_error)
        await until(lambda: not one.node.channel._session.active)  # type: ignore[attr-defined]
        await within(one.config.close(), 0.5)


@ENDS
async def test_what_was_taken_is_handled_though_the_connection_breaks(ends: Ends, short_grace: float) -> None:
    """Calls are given up, with their caller; one-way messages are not, however many wait."""
    async with line(ends=ends) as one:
        call = echo(one.node, Text(text="hold:never"))
        note(one.node, Text(text="hold:door"))
        note(one.node, Text(text="behind"))
        await one.service.gates["never"].arrivals()
        ending = asyncio.create_task(one.config.close())
        with pytest.raises(gorums.NodeClosedError):
            await within(call)
        await within(ending, 5 * short_grace)
        await one.service.gates["door"].arrivals()
        assert one.service.contexts[0].cancelled
        assert one.proxy.attempts == 1
        one.service.open_all()
        await one.service.has_seen("behind")
        assert not any(context.cancelled for context in one.service.contexts[1:])


@pytest.mark.usefixtures("short_grace")
async def test_a_server_that_stops_handles_that_first() -> None:
    async with line() as one:
        note(one.node, Text(text="hold:door"))
        note(one.node, Text(text="behind"))
        await one.service.gates["door"].arrivals()
        closing = asyncio.create_task(one.config.close())
        await until(lambda: one.server._acceptor.streams and not one.node.connected)
        one.proxy.stop_listening()
        one.proxy.reset()
        await within(closing, 2)
        stop = asyncio.create_task(one.server.stop(grace=5))
        await asyncio.sleep(0.01)
        assert not stop.done()
        one.service.open_all()
        await within(stop)
        assert one.service.seen == ["hold:door", "behind"]


@pytest.mark.usefixtures("short_grace")
async def test_that_has_an_end_too() -> None:
    async with line(server={"session_keep": 0.05}) as one:
        note(one.node, Text(text="hold:door"))
        note(one.node, Text(text="behind"))
        await one.service.gates["door"].arrivals()
        closing = asyncio.create_task(one.config.close())
        await until(lambda: knows_the_end(one))
        one.proxy.stop_listening()
        one.proxy.reset()
        await within(closing, 2)
        await until(lambda: one.service.contexts[0].cancelled)
        await until(lambda: not one.server._sessions.away and not one.server._acceptor.streams)
        assert one.service.seen == ["hold:door"]


@pytest.mark.usefixtures("short_grace")
async def test_what_it_holds_counts() -> None:
    """Clients that send much and are gone do not fill a server."""
    options = [("pygorums.max_held_bytes", 200_000)]
    async with line(server={"options": options}) as one:
        note(one.node, Text(text="hold-free:door", data=bytes(150_000)))
        await one.service.gates["door"].arrivals()
        closing = asyncio.create_task(one.config.close())
        await until(lambda: knows_the_end(one))
        one.proxy.stop_listening()
        one.proxy.reset()
        await within(closing, 2)
        assert not one.service.contexts[0].cancelled
        async with connected([one.proxy.target], session=gorums.Session()) as other:
            note(other[0], Text(text="hold-free:door", data=bytes(100_000)))
            await until(lambda: one.service.contexts[0].cancelled)


def knows_the_end(one: Line) -> bool:
    """Whether the server knows that a session has ended."""
    return any(session.final for session in one.server._acceptor.streams.values())


async def test_calls_back_that_come_too_late_are_certainly_not_handled() -> None:
    own = ScriptedCalls()
    answers = gorums.Server(own)
    async with line(answers=answers) as one:
        await until(lambda: len(one.server.client_config()) == 1)
        client = one.server.client_config()[0]
        taken = echo(client, Text(text="hold:door"))
        await own.gates["door"].arrivals()
        one.proxy.freeze()
        late = echo(client, Text(text="late"))
        await asyncio.sleep(0.01)
        closing = asyncio.create_task(one.config.close())
        await turns(10)
        one.proxy.thaw()
        await within(closing, 2)
        errors = []
        for call in (taken, late):
            with pytest.raises(gorums.StatusError) as caught:
                await within(call)
            errors.append(caught.value)
        assert isinstance(errors[0], gorums.OutcomeUnknownError)
        assert isinstance(errors[1], gorums.StreamDownError)
        assert errors[1].certain
        own.open_all()
        assert own.seen == ["hold:door"]
    await within(answers.stop())


async def test_calls_back_of_a_server_that_stops_count_for_the_client_that_closes_meanwhile() -> None:
    """Both end the session; the server was first, and has called back since."""
    own = ScriptedCalls()
    answers = gorums.Server(own)
    async with line(answers=answers) as one:
        await until(lambda: len(one.server.client_config()) == 1)
        client = one.server.client_config()[0]
        held = echo(one.node, Text(text="hold:handler"))
        await one.service.gates["handler"].arrivals()
        stop = asyncio.create_task(one.server.stop(grace=5))
        await until(lambda: knows_the_end(one))
        taken = echo(client, Text(text="hold:door"))
        await own.gates["door"].arrivals()
        await within(one.config.close())
        with pytest.raises(gorums.StatusError) as caught:
            await within(taken)
        assert isinstance(caught.value, gorums.OutcomeUnknownError)
        assert own.seen == ["hold:door"]
        with pytest.raises(gorums.NodeClosedError):
            await within(held)
        own.open_all()
        one.service.open_all()
        await within(stop)
    await within(answers.stop())


async def test_a_context_manager() -> None:
    services = [ScriptedCalls(number) for number in (1, 2)]
    async with serving(services[0]) as first, serving(services[1]) as second, TcpProxy(first) as proxy:
        async with connected([proxy.address, second], session=gorums.Session(), backoff=QUICK) as config:
            await within(spread(config, Text(text="first")))
            await services[0].has_seen_count(1)
            proxy.freeze()
            await within(spread(config, Text(text="last")))
            proxy.reset()
            proxy.thaw()
        for service in services:
            assert service.seen == ["first", "last"]


async def test_what_a_server_has_not_taken_before_its_stop_is_told_as_lost(caplog: pytest.LogCaptureFixture) -> None:
    """It waits for another process, and in vain if the client is closed before."""
    async with line(keep=0) as one:
        await within(echo(one.node, Text(text="ok")))
        one.proxy.freeze()
        for number in range(3):
            await within(note(one.node, Text(text=str(number))))
        stop = asyncio.create_task(one.server.stop())
        await turns()
        one.proxy.thaw()
        await within(stop)
        await until(lambda: not one.node.connected)
        with caplog.at_level(logging.WARNING, "pygorums.streams"):
            await within(one.config.close(), 0.9)
        assert one.service.seen == ["ok"]
    assert "3 one-way messages to node 1" in caplog.text
