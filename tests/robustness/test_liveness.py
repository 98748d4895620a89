"""Peers that freeze are noticed; peers that are down are tried again, gently and without being asked."""

import asyncio
import signal
from time import monotonic, sleep

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, follow, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK, connected, serving
from tests.support.process import ServerProcess
from tests.support.program import Program
from tests.support.proxy import TcpProxy
from tests.support.scripted_server import ScriptedServer, ServerStream, swallow
from tests.support.waiting import turns, until, within

KEEPALIVE = 1.0
OPTIONS = [("grpc.keepalive_time_ms", round(KEEPALIVE * 1000))]

# Seconds that a loaded machine may take to run what is due.
SLACK = 1.0


@pytest.mark.parametrize("session", [None, gorums.Session()])
async def test_a_frozen_server_is_noticed_within_twice_the_keepalive_time(session: gorums.Session | None) -> None:
    """In a session calls go on waiting for it, for as long as another connection may take."""
    async with ServerProcess() as process:
        config = gorums.connect([process.address], backoff=QUICK, session=session, channel_options=OPTIONS)
        try:
            await config.wait_connected(timeout=10)
            await within(echo(config[0], Text(text="before")))
            frozen_at = monotonic()
            process.freeze()
            responses = aiter(follow(config, Text(text="x", number=1)).results())
            first = asyncio.ensure_future(anext(responses))
            await until(lambda: not config[0].connected)
            assert monotonic() - frozen_at < 2 * KEEPALIVE + SLACK
            error = config[0].last_error
            if session is None:
                error = (await within(first)).error
            assert isinstance(error, gorums.StreamDownError)
            assert process.address in str(error)
            # Our signs of life and gRPC's pings notice it at about the same time.
            assert "no sign of life" in str(error) or "ping timeout" in str(error)
            assert first.done() == (session is None)
            process.thaw()
            await within(first)
            await config.wait_connected(timeout=10)
            assert (await within(echo(config[0], Text(text="after")))).text == "after"
        finally:
            process.thaw()
            await within(config.close())


async def test_a_client_that_is_held_up_itself_takes_no_server_for_silent() -> None:
    """By work, a debugger or SIGSTOP: what the server said meanwhile is read before anything is judged."""
    async with (
        ServerProcess() as process,
        TcpProxy(process.address) as proxy,
        connected([proxy.address], channel_options=OPTIONS) as config,
    ):
        call = echo(config[0], Text(text="hold-free:x"))
        responses = aiter(follow(config, Text(text="hold:y", number=1)).results())
        waiting = asyncio.ensure_future(anext(responses))
        await asyncio.sleep(0.1)
        for _ in range(2):
            sleep(2 * KEEPALIVE)  # noqa: ASYNC251 - the event loop is to be blocked
            await asyncio.sleep(0.3)
        assert config[0].connected
        assert config[0].last_error is None
        assert proxy.attempts == 1
        assert not call.done()
        assert not waiting.done()
        for future in (call, waiting):
            future.cancel()
        await asyncio.wait({waiting})


async def test_a_frozen_server_holds_up_no_quorum() -> None:
    async with (
        ServerProcess(number=3) as process,
        serving(ScriptedCalls(1)) as first,
        serving(ScriptedCalls(2)) as second,
        connected([first, second, process.address], channel_options=OPTIONS) as config,
    ):
        process.freeze()
        for n in range(50):
            assert (await within(ask(config, Text(text=str(n))).majority())).text == str(n)
        await until(lambda: not config[2].connected)
        process.thaw()


CLIENT = """
async def main():
    async with gorums.connect([sys.argv[1]], session=None) as config:
        await config.wait_connected(timeout=20)
        print("connected", flush=True)
        await echo(config[0], Text(text="hold:frozen"))

asyncio.run(main())
"""


async def test_a_frozen_client_is_noticed_by_the_server_within_twice_its_keepalive_time() -> None:
    gone = asyncio.Event()

    class Calls(ScriptedCalls):
        async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
            try:
                return await super().echo(ctx, request)
            except asyncio.CancelledError:
                gone.set()
                raise

    service = Calls()
    async with serving(service, options=OPTIONS) as address, Program(CLIENT, address) as program:
        assert await program.line() == "connected"
        await service.gates["frozen"].arrivals()
        frozen_at = monotonic()
        program.signal(signal.SIGSTOP)
        await within(gone.wait())
        assert monotonic() - frozen_at < 2 * KEEPALIVE + SLACK
        program.signal(signal.SIGKILL)


async def test_a_client_that_is_only_idle_is_not_cut_off() -> None:
    """Signs of life go on for many times the keepalive time, and no ping policing ends the connection."""
    options = [("grpc.keepalive_time_ms", 400)]  # a busy machine may well hold us up for less than that
    async with (
        serving(ScriptedCalls(), options=options) as address,
        TcpProxy(address) as proxy,
        connected([proxy.address], channel_options=options) as config,
    ):
        await asyncio.sleep(4)  # the time itself is what is tested
        assert config[0].connected
        assert config[0].last_error is None
        assert proxy.attempts == 1


async def test_a_busy_handler_is_no_frozen_server() -> None:
    async with (
        serving(service := ScriptedCalls()) as address,
        connected([address], channel_options=[("grpc.keepalive_time_ms", 400)]) as config,
    ):
        call = echo(config[0], Text(text="hold:x"))
        await service.gates["x"].arrivals()
        await asyncio.sleep(2)  # five times the keepalive time
        service.open_all()
        assert (await within(call)).text == "hold:x"
        assert service.seen == ["hold:x"]


async def test_a_peer_that_knows_no_heartbeats_is_left_in_peace() -> None:
    """Go servers confirm nothing and say nothing unless asked."""
    async with ScriptedServer(swallow) as server, connected([server.address]) as config:
        await within(note(config[0], Text()))
        stream = await within(server.opened(1))
        assert stream.offered("pygorums-heartbeat") == "10000"
        await asyncio.sleep(0.2)
        assert config[0].connected
        assert len(server.streams) == 1


async def test_a_node_that_is_down_answers_at_once_while_it_is_tried_again() -> None:
    async with TcpProxy("127.0.0.1:1") as proxy:
        proxy.turn_away = True
        config = gorums.connect([proxy.address], backoff=gorums.Backoff(initial=600, maximum=600))
        try:
            await until(lambda: config[0].last_error is not None)
            begin = monotonic()
            for _ in range(100):
                with pytest.raises(gorums.StreamDownError) as caught:
                    await within(echo(config[0], Text()))
                assert proxy.address in str(caught.value)
            assert monotonic() - begin < SLACK
            assert proxy.attempts <= 2
        finally:
            await within(config.close())


async def test_attempts_follow_the_backoff_and_need_no_call() -> None:
    """Twenty nodes behind one proxy that resets everything: no more attempts than the backoff allows."""
    initial, jitter, count = 0.2, 0.5, 20
    backoff = gorums.Backoff(initial=initial, maximum=initial, multiplier=1, jitter=jitter)
    proxies = [TcpProxy("127.0.0.1:1") for _ in range(count)]
    for proxy in proxies:
        await proxy.listen()
        proxy.turn_away = True
    begin = monotonic()
    config = gorums.connect([proxy.address for proxy in proxies], backoff=backoff)
    times: list[float] = []
    try:

        async def third_attempt(proxy: TcpProxy) -> None:
            await proxy.attempted(3)
            times.append(monotonic() - begin)

        await within(asyncio.gather(*(third_attempt(proxy) for proxy in proxies)))
        elapsed = monotonic() - begin
        most = 2 + elapsed / (initial * (1 - jitter))
        assert all(proxy.attempts <= most for proxy in proxies)
        assert min(times) >= 2 * initial * (1 - jitter)
    finally:
        await within(config.close())
        await turns(10)  # a listener must not close while a connection is being accepted
        for proxy in proxies:
            await proxy.close()
        await turns()


async def test_a_server_that_ends_every_stream_is_not_stormed() -> None:
    opened: list[float] = []

    async def script(stream: ServerStream) -> None:
        opened.append(monotonic())

    async with ScriptedServer(script) as server:
        config = gorums.connect([server.address], backoff=gorums.Backoff(initial=0.1, maximum=0.4, multiplier=2))
        try:
            await within(server.opened(5))
            # Waits of 0.1, 0.2, 0.4 and 0.4 seconds, each less 20 per cent of jitter.
            assert opened[4] - opened[0] >= 0.8 * 1.1
        finally:
            await within(config.close())
