"""Where streams lead to, and what is said if they lead nowhere."""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pygorums.base.errors import StreamDownError
from pygorums.transports.sockets import client
from pygorums.transports.sockets.client import OpenedSocketTransport, SocketConnector
from pygorums.transports.sockets.options import SocketOptions
from tests.behaviour.transports.ends import Acceptor, bound, listening, opened
from tests.support.proxy import TcpProxy
from tests.support.waiting import until, within


async def why_not(address: str) -> str:
    """What is said of an address to which no stream can be opened."""
    transport = SocketConnector(address, None, SocketOptions())(())
    try:
        with pytest.raises(StreamDownError) as raised:
            await within(transport.opened())
        return raised.value.message
    finally:
        await within(transport.close())


async def reaches(address: str, *sockets: socket.socket) -> str:
    """Opens a stream to a server that listens on `sockets`, and returns what that calls the client."""
    acceptor = Acceptor()
    async with listening(acceptor, *sockets), opened(address):
        await acceptor.user()
        acceptor.release()
    return acceptor.peers[0]


async def test_ipv6() -> None:
    with bound("::1", socket.AF_INET6) as made:
        assert (await reaches(f"[::1]:{made.getsockname()[1]}", made)).startswith("ipv6:%5B::1%5D:")


async def test_a_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as made:
        made.bind(path)
        assert await reaches(f"unix:{path}", made) == "unix:"


@pytest.mark.skipif(sys.platform != "linux", reason="abstract names are Linux's")
async def test_an_abstract_unix_socket(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as made:
        made.bind(f"\0{tmp_path}")
        assert await reaches(f"unix:@{tmp_path}", made) == "unix:"


async def test_a_host_where_nothing_listens() -> None:
    with bound() as made:
        address = f"127.0.0.1:{made.getsockname()[1]}"
    assert await why_not(address) == f"{address}: cannot connect: Connection refused"


async def test_a_file_where_nothing_listens(tmp_path: Path) -> None:
    address = f"unix:{tmp_path / 'nothing'}"
    assert await why_not(address) == f"{address}: cannot connect: No such file or directory"


async def test_a_name_that_means_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", fail)
    assert await why_not("nowhere:80") == "nowhere:80: cannot look it up: Name or service not known"


def resolving_to(monkeypatch: pytest.MonkeyPatch, *targets: tuple[str, int]) -> None:
    """Makes every name stand for these addresses."""

    async def found(*_: Any, **__: Any) -> list[Any]:
        return [
            (socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))
            for host, port in targets
        ]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)


async def test_each_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    with bound() as dead, bound("127.0.0.2") as made:
        port, other = made.getsockname()[1], dead.getsockname()[1]
        # `dead` is bound and does not listen.
        resolving_to(monkeypatch, ("127.0.0.1", other), ("127.0.0.2", port))
        await reaches(f"name:{port}", made)


async def test_an_address_that_does_not_answer_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pygorums.transports.sockets.connecting.NEXT_ADDRESS_AFTER", 0.01)
    loop = asyncio.get_running_loop()
    connect = loop.create_connection
    cancelled = asyncio.Event()

    async def hang_at_first(make: Any, host: str, port: int, **options: Any) -> Any:
        if host == "127.0.0.9":
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()
        return await connect(make, host, port, **options)

    with bound() as made:
        port = made.getsockname()[1]
        resolving_to(monkeypatch, ("127.0.0.9", port), ("127.0.0.1", port))
        monkeypatch.setattr(loop, "create_connection", hang_at_first)
        await reaches(f"name:{port}", made)
        await within(cancelled.wait())


async def test_if_no_address_answers_the_last_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with bound() as first, bound() as second:
        ports = first.getsockname()[1], second.getsockname()[1]
        resolving_to(monkeypatch, ("127.0.0.1", ports[0]), ("127.0.0.1", ports[1]))
        assert await why_not("name:80") == f"name:80: cannot connect to 127.0.0.1:{ports[1]}: Connection refused"


async def test_a_server_that_takes_connections_and_says_nothing_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ANSWER_TIMEOUT", 0.05)
    with bound() as made:
        made.listen()
        address = f"127.0.0.1:{made.getsockname()[1]}"
        assert await why_not(address) == f"{address} has not answered within 0.05 s"


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "the other side broke the rules of HTTP/2: "),
        (b"", "the connection was closed"),
    ],
)
async def test_what_is_no_http2_is_told_so(says: bytes, expected: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)  # all that has come: what is not read when a socket is closed resets the connection
        writer.write(says)
        writer.close()

    other = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        address = f"127.0.0.1:{other.sockets[0].getsockname()[1]}"
        assert (await why_not(address)).startswith(f"{address}: {expected}")
    finally:
        other.close()
        await within(other.wait_closed())


async def test_who_gives_up_while_connecting_leaves_nothing() -> None:
    with bound() as made:
        made.listen()
        transport = SocketConnector(f"127.0.0.1:{made.getsockname()[1]}", None, SocketOptions())(())
        opening = asyncio.ensure_future(transport.opened())
        await until(lambda: transport._client is not None, "a connection")
        opening.cancel()
        await asyncio.wait({opening})
        await within(transport.close())
        connection = transport._client
        assert connection is not None
        assert connection.over.done()


async def test_a_client_that_says_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pygorums.transports.sockets.server.HELLO", 0.01)
    async with listening(Acceptor()) as (address, _):
        host, port = address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        with suppress(ConnectionResetError):  # or it is as clean as that
            while await within(reader.read(1000)):
                pass
        writer.close()


async def test_the_metadata_of_an_acceptor_that_thinks_are_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "SAYS_NOTHING", 0.01)
    acceptor = Acceptor(None)
    async with listening(acceptor) as (address, _), opened(address) as (user, said):
        assert said is None
        (await acceptor.user()).transport.confirm((("late", "1"),))  # type: ignore[union-attr]  # an acceptor's
        await until(lambda: user.answers, "an answer")
        assert user.answers == [(("late", "1"),)]
        acceptor.release()


@pytest.mark.parametrize("waits", [True, False])
async def test_a_connection_that_is_reset_at_once(monkeypatch: pytest.MonkeyPatch, waits: bool) -> None:
    """It may be lost before there is a stream, or while that waits for its answer."""
    async with TcpProxy("127.0.0.1:1") as proxy:
        proxy.turn_away = True
        transport = SocketConnector(proxy.address, None, SocketOptions())(())
        if not waits:
            make = OpenedSocketTransport._make

            def lost(self: OpenedSocketTransport) -> Any:
                connection = make(self)
                connection.http2.lost("gone")
                return connection

            monkeypatch.setattr(OpenedSocketTransport, "_make", lost)
        try:
            with pytest.raises(StreamDownError):
                await within(transport.opened())
        finally:
            await within(transport.close())
