"""The suite's own instruments: what a fault test relies on has to work without pygorums."""

import asyncio
import logging
import threading

import grpc
import pytest

from tests.support.frames import NODE_STREAM, envelope, failure, messages_in, reply, request
from tests.support.leaks import AsyncioErrors, wait_for_tasks, wait_for_threads
from tests.support.order import LONG, ROOT
from tests.support.proxy import TcpProxy
from tests.support.scripted_client import ScriptedClient
from tests.support.scripted_server import ScriptedServer, ServerStream, answering, swallow
from tests.support.waiting import until, within

upper = answering({"m": bytes.upper})


async def test_scripted_peers_talk_to_each_other() -> None:
    async with ScriptedServer(upper) as server, ScriptedClient(server.address, [("k", "v")]) as client:
        await client.send(request(1, "m", b"a"), envelope(request(2, "m", b"b"), request(3, "m", b"c")))
        replies = await client.receive_all(3)
        assert [(r.message_seq_no, r.method, r.payload) for r in replies] == [
            (1, "m", b"A"),
            (2, "m", b"B"),
            (3, "m", b"C"),
        ]
        assert server.streams[0].offered("k") == "v"
        assert [m.message_seq_no for m in server.streams[0].messages] == [1, 2, 3]
        assert len(server.streams[0].received) == 2


async def test_scripted_server_sends_metadata_when_told() -> None:
    async def script(stream: ServerStream) -> None:
        await stream.receive()
        await stream.confirm(("x", "1"))
        await stream.receive()

    async with ScriptedServer(script) as server, ScriptedClient(server.address) as client:
        await client.send(b"")
        assert (await client.initial_metadata())["x"] == "1"


async def test_scripted_server_ends_a_stream_with_a_status() -> None:
    async def script(stream: ServerStream) -> None:
        await stream.abort(grpc.StatusCode.INTERNAL, "no")

    async with ScriptedServer(script) as server, ScriptedClient(server.address) as client:
        assert await client.ended() == (grpc.StatusCode.INTERNAL, "no")


async def test_scripted_server_reports_a_failing_script() -> None:
    async def script(stream: ServerStream) -> None:
        raise ValueError("wrong script")

    server = ScriptedServer(script)
    async with ScriptedClient(await server.start()) as client:
        await client.ended()
    with pytest.raises(ExceptionGroup, match="script"):
        await server.stop()


async def test_scripted_client_half_closes() -> None:
    async with ScriptedServer(swallow) as server, ScriptedClient(server.address) as client:
        await client.half_close()
        code, _ = await client.ended()
        assert code == grpc.StatusCode.OK


async def test_replies_carry_number_and_method() -> None:
    asked = request(1 << 63 | 5, "m", entries=[("a", "b")])
    for answer in (reply(asked, b"x"), failure(asked, 12, "no")):
        assert (answer.message_seq_no, answer.method, list(answer.entry)) == (1 << 63 | 5, "m", [])


def test_an_envelope_is_taken_apart() -> None:
    parts = [request(n, "m") for n in range(3)]
    assert list(messages_in(envelope(*parts))) == parts
    assert NODE_STREAM == "/stream.Gorums/NodeStream"


async def through_proxy(proxy: TcpProxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = proxy.address.rpartition(":")
    return await asyncio.open_connection(host, int(port))


class Echo:
    """A TCP server that sends everything back and remembers what it got."""

    def __init__(self) -> None:
        self.got = b""

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *error: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1000):
                self.got += data
                writer.write(data)
        except OSError:
            pass
        finally:
            writer.close()


async def test_proxy_forwards_counts_and_delays() -> None:
    async with Echo() as target, TcpProxy(target) as proxy:
        reader, writer = await through_proxy(proxy)
        writer.write(b"hello")
        assert await within(reader.readexactly(5)) == b"hello"
        assert (proxy.attempts, proxy.open_links) == (1, 1)
        proxy.delay = 0.05
        start = asyncio.get_running_loop().time()
        writer.write(b"again")
        assert await within(reader.readexactly(5)) == b"again"
        assert asyncio.get_running_loop().time() - start >= 0.1  # once each way
        writer.close()
        await until(lambda: proxy.open_links == 0)


async def test_proxy_freezes_and_thaws() -> None:
    async with Echo() as target, TcpProxy(target) as proxy:
        reader, writer = await through_proxy(proxy)
        await until(lambda: proxy.open_links == 1)
        proxy.freeze()
        writer.write(b"x")
        with pytest.raises(TimeoutError):
            await within(reader.readexactly(1), 0.05)
        proxy.thaw()
        assert await within(reader.readexactly(1)) == b"x"
        writer.close()


async def test_proxy_resets() -> None:
    async with Echo() as target, TcpProxy(target) as proxy:
        reader, writer = await through_proxy(proxy)
        await until(lambda: proxy.open_links == 1)
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            await within(reader.read(1))
        writer.close()


async def test_proxy_turns_away_and_refuses() -> None:
    async with Echo() as target, TcpProxy(target) as proxy:
        proxy.turn_away = True
        reader, writer = await through_proxy(proxy)
        await within(proxy.attempted(1))
        with pytest.raises(ConnectionResetError):
            await within(reader.read(1))
        writer.close()
        proxy.stop_listening()
        with pytest.raises(ConnectionRefusedError):
            await through_proxy(proxy)
        proxy.turn_away = False
        await proxy.listen()
        reader, writer = await through_proxy(proxy)
        writer.write(b"x")
        assert await within(reader.readexactly(1)) == b"x"
        writer.close()


async def test_proxy_closes_one_direction() -> None:
    async with Echo() as target, TcpProxy(target) as proxy:
        reader, writer = await through_proxy(proxy)
        await until(lambda: proxy.open_links == 1)
        proxy.half_close_from_server()
        assert await within(reader.read(1)) == b""
        writer.close()


async def test_proxy_cuts_in_the_middle() -> None:
    echo = Echo()
    async with echo as target, TcpProxy(target) as proxy:
        reader, writer = await through_proxy(proxy)
        await until(lambda: proxy.open_links == 1)
        proxy.cut_to_server_after(3)
        writer.write(b"hello")
        with pytest.raises(ConnectionResetError):
            await within(reader.read(1))
        await until(lambda: echo.got == b"hel")
        writer.close()


async def test_leaked_tasks_are_found() -> None:
    async def forever() -> None:
        await asyncio.Event().wait()

    task = asyncio.create_task(forever())
    short = asyncio.create_task(asyncio.sleep(0))
    from tests.support import leaks

    settle, leaks.SETTLE = leaks.SETTLE, 0.05
    try:
        assert await wait_for_tasks({task, short}) == {task}
    finally:
        leaks.SETTLE = settle
    task.cancel()


def test_leaked_threads_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.leaks.SETTLE", 0.05)
    end = threading.Event()
    threads = [threading.Thread(target=end.wait, name=name) for name in ("mine", "Thread-1 (_poll_wrapper)")]
    for thread in threads:
        thread.start()
    assert wait_for_threads(threads) == threads[:1]
    end.set()
    assert wait_for_threads(threads) == []


async def test_asyncio_errors_are_found(asyncio_errors: AsyncioErrors) -> None:
    def fails() -> None:
        raise ValueError("from a callback")

    asyncio.get_running_loop().call_soon(fails)
    asyncio.get_running_loop().create_future().set_exception(KeyError("nobody asked"))
    await asyncio.sleep(0)
    logging.getLogger("asyncio").warning("not an error")
    callback, future = sorted(asyncio_errors.take())
    assert "from a callback" in callback
    assert "never retrieved" in future


async def test_asyncio_says_where_a_task_comes_from_and_not_the_whole_way_there() -> None:
    task = asyncio.create_task(asyncio.sleep(0))
    stack = task._source_traceback  # type: ignore[attr-defined] # what its reports show
    assert test_asyncio_says_where_a_task_comes_from_and_not_the_whole_way_there.__name__ in str(stack)
    assert len(stack) <= 4
    await task


def test_the_files_that_run_first_are_there() -> None:
    assert [name for name in LONG if not (ROOT / name).is_file()] == []
