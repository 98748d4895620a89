"""What callers are told when a server stops, in good order or at once."""

import asyncio
import logging
import signal

import pytest

import pygorums as gorums
from tests.behaviour.sessions.broken import ENDS, SAME_ENDS, Ends, failure, line
from tests.protos.calls_gorums import ask, echo, follow, note
from tests.protos.calls_pb2 import Text
from tests.support.cluster import connected
from tests.support.program import Program
from tests.support.waiting import turns, until, within


@ENDS
async def test_at_once(ends: Ends) -> None:
    """What was not taken is certain, what was taken and not answered is unknown."""
    async with line(ends=ends, keep=0) as one:
        await within(echo(one.node, Text(text="ok")))
        handled = echo(one.node, Text(text="hold:door"))
        waits = ask(one.config, Text(text="behind")).async_all()
        streams = follow(one.config, Text(text="behind", number=3)).async_all()
        await one.service.gates["door"].arrivals()
        one.proxy.freeze()
        late = echo(one.node, Text(text="late"))
        stop = asyncio.create_task(one.server.stop())
        await turns()
        one.proxy.thaw()
        assert isinstance(await failure(handled), gorums.OutcomeUnknownError)
        for call in (waits, streams):
            error = await failure(call)
            assert isinstance(error, gorums.IncompleteError)
            assert isinstance(error.node_errors[1], gorums.OutcomeUnknownError)
        error = await failure(late)
        assert isinstance(error, gorums.StreamDownError)
        assert error.certain
        await within(stop)
        assert one.service.seen == ["ok", "hold:door"]


async def test_messages_that_were_taken_in_vain_are_told(caplog: pytest.LogCaptureFixture) -> None:
    """Their senders have been told that they were sent, and hear nothing else."""
    async with line() as one:
        for text in ("hold:door", "1", "2"):
            await within(note(one.node, Text(text=text)))
        await one.service.gates["door"].arrivals()
        await until(lambda: len(next(iter(one.server._acceptor.streams.values())).requests.backlog.waiting) == 2)
        with caplog.at_level(logging.INFO, "pygorums.server"):
            await within(one.server.stop())
        assert one.service.seen == ["hold:door"]
    assert "2 one-way messages of " in caplog.text


@SAME_ENDS
async def test_when_the_grace_is_over(ends: Ends) -> None:
    async with line(ends=ends, keep=0) as one:
        handled = echo(one.node, Text(text="hold:door"))
        await one.service.gates["door"].arrivals()
        await within(one.server.stop(grace=0.05))
        assert isinstance(await failure(handled), gorums.OutcomeUnknownError)
        error = await failure(echo(one.node, Text(text="late")))
        assert isinstance(error, gorums.StreamDownError)
        assert error.certain


@SAME_ENDS
async def test_a_client_that_cannot_be_told_does_not_hold_it_up(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    for room in ("serving.stopping", "transports.sockets.connection"):
        monkeypatch.setattr(f"pygorums.{room}.LAST_WORDS", 0.05)
    async with line(ends=ends, keep=0) as one:
        handled = echo(one.node, Text(text="hold:door"))
        await one.service.gates["door"].arrivals()
        one.proxy.freeze()
        await within(one.server.stop(), 3)
        one.proxy.stop_listening()
        one.proxy.reset()
        one.proxy.thaw()
        assert isinstance(await failure(handled), gorums.OutcomeUnknownError)


@SAME_ENDS
@pytest.mark.parametrize("session", [True, False])
async def test_a_connection_that_nobody_is_at_does_not_use_up_the_grace(
    ends: Ends, session: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client has another one, and the server has not heard of the end of the first."""
    for room in ("server", "connection"):
        monkeypatch.setattr(f"pygorums.transports.sockets.{room}.LAST_WORDS", 0.05)
    monkeypatch.setattr("pygorums.transports.grpc.listener._CONNECTIONS_END", 0.05)
    async with line(ends=ends, session=session) as one:
        await within(echo(one.node, Text(text="ok")))
        one.proxy.reset_clients()
        await one.proxy.forwards(2)
        await within(one.config.wait_connected())
        await within(echo(one.node, Text(text="ok")))
        await within(one.server.stop(grace=60), 5)


@SAME_ENDS
async def test_a_client_that_is_away_comes_back_too_late(ends: Ends) -> None:
    async with line(ends=ends, keep=0.3) as one:
        handled = echo(one.node, Text(text="hold:door"))
        await one.service.gates["door"].arrivals()
        one.proxy.turn_away = True
        one.proxy.reset()
        await one.proxy.attempted(2)
        stop = asyncio.create_task(one.server.stop(grace=5))
        await turns()
        assert not one.service.contexts[0].cancelled, "what was taken is handled"
        one.service.open_all()
        await within(stop)
        one.proxy.turn_away = False
        assert isinstance(await failure(handled), gorums.OutcomeUnknownError)


@SAME_ENDS
async def test_draining(ends: Ends) -> None:
    async with line(ends=ends, keep=0) as one:
        handled = echo(one.node, Text(text="hold:door"))
        left = note(one.node, Text(text="behind"))
        await one.service.gates["door"].arrivals()
        drain = asyncio.create_task(one.server.drain(timeout=5))
        await turns()
        one.proxy.reset()  # whoever is called back to is not kept from that
        one.service.open_all()
        await within(left)
        outcome = await asyncio.gather(handled, return_exceptions=True)
        assert isinstance(outcome[0], Text | gorums.OutcomeUnknownError)
        await within(drain)
        await within(one.server.stop())
        assert one.service.seen == ["hold:door", "behind"]


@pytest.mark.parametrize("grace", [None, 5])
async def test_nothing_is_left_of_a_session(grace: float | None) -> None:
    async with line() as one:
        await within(echo(one.node, Text(text="ok")))
        one.proxy.turn_away = True
        one.proxy.reset()
        await one.proxy.attempted(2)
        await within(one.server.stop(grace), 3)


SERVES = """
service = ScriptedCalls()

async def main(waits):
    server = gorums.Server(service)
    print(await server.start("127.0.0.1:0"), flush=True)
    end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, service.open_all if waits else end.set)
    await (gorums.serve(server) if waits else end.wait())

asyncio.run(main(sys.argv[1] == "waits"))
"""


async def test_a_program_that_is_told_to_end() -> None:
    """What it has taken it answers."""
    async with Program(SERVES, "waits") as program:
        async with connected([await program.line()], session=gorums.Session()) as config:
            await within(echo(config[0], Text(text="ok")))
            taken = [echo(config[0], Text(text="hold:door")), echo(config[0], Text(text="behind"))]
            await turns()
            program.signal(signal.SIGTERM)
            await until(lambda: not config[0].connected)
            error = await failure(echo(config[0], Text(text="late")))
            assert isinstance(error, gorums.StreamDownError)
            assert error.certain
            program.signal(signal.SIGUSR1)
            assert [(await within(call)).text for call in taken] == ["hold:door", "behind"]
        assert (await program.ended())[0] == 0


async def test_a_program_that_ends_without_a_stop() -> None:
    async with Program(SERVES, "does not") as program:
        async with connected([await program.line()], session=gorums.Session()) as config:
            await within(echo(config[0], Text(text="ok")))
            taken = echo(config[0], Text(text="hold:door"))
            await turns()
            program.signal(signal.SIGUSR1)
            assert isinstance(await failure(taken), gorums.OutcomeUnknownError)
            error = await failure(echo(config[0], Text(text="late")))
            assert isinstance(error, gorums.StreamDownError)
            assert error.certain
        assert await program.ended() == (0, "")
        assert program.errors == ""
