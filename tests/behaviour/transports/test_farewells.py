"""Servers that stop, and connections that fall silent."""

from __future__ import annotations

import asyncio
import socket

import grpc
import pytest

import pygorums as gorums
from pygorums.base.errors import StatusError, StreamDownError
from pygorums.transports.http2.client import ClientConnection
from pygorums.transports.http2.limits import Limits
from pygorums.transports.interface import ConnectionLostError
from pygorums.transports.sockets.client import SocketConnector
from pygorums.transports.sockets.options import NODE_STREAM, Pings, SocketOptions
from tests.behaviour.transports.ends import Acceptor, listening, opened
from tests.support.proxy import TcpProxy
from tests.support.waiting import turns, until, within


async def test_a_server_that_shuts_down_lets_streams_end_and_takes_no_new_ones() -> None:
    acceptor = Acceptor()
    async with listening(acceptor) as (address, server), opened(address) as (user, _):
        other = await acceptor.user()
        server.shut_down()
        await until(lambda: user.was_left, "the news")
        user.transport.write((b"still",))
        assert await other.get(1) == [b"still"]
        with pytest.raises(StreamDownError, match="cannot connect: Connection refused"):
            async with opened(address):
                pass
        drained = asyncio.ensure_future(server.drained())
        await turns(10)
        assert not drained.done()
        other.transport.write((b"last words",))
        acceptor.release()
        assert await user.end() is None
        assert user.messages == [b"last words"]
        await within(drained)


async def test_an_idle_connection_does_not_hold_up_a_server_that_shuts_down() -> None:
    acceptor = Acceptor()
    async with listening(acceptor) as (address, server), opened(address) as (user, _):
        acceptor.release()
        await user.end()
        assert server.connections
        server.shut_down()
        await within(server.drained())


async def test_a_server_that_closes_tells_its_clients() -> None:
    acceptor = Acceptor()
    async with listening(acceptor) as (address, server), opened(address) as (user, _):
        await acceptor.user()
        await within(server.close())
        error = await user.end()
        assert isinstance(error, StreamDownError)
        assert error.message == f"{address}: the server has stopped"
        assert acceptor.cancelled == 1


async def test_a_client_that_takes_nothing_holds_up_nobody_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pygorums.transports.sockets.connection.LAST_WORDS", 0.05)
    acceptor = Acceptor()
    async with listening(acceptor) as (address, server), TcpProxy(address) as proxy, opened(proxy.address) as (user, _):
        other = await acceptor.user()
        proxy.freeze()
        while other.transport.write((bytes(1 << 20),)):
            pass
        await within(server.close())
        assert not server.connections
        proxy.reset()
        assert isinstance(await user.end(), ConnectionLostError)


@pytest.mark.parametrize("at_opener", [True, False])
async def test_a_peer_that_falls_silent_is_noticed(at_opener: bool) -> None:
    quick = SocketOptions(pings=Pings(0.05, 0.2))
    acceptor = Acceptor()
    async with (
        listening(acceptor, options=None if at_opener else quick) as (address, _),
        TcpProxy(address) as proxy,
        opened(proxy.address, options=quick if at_opener else None) as (user, _),
    ):
        other = await acceptor.user()
        proxy.freeze()
        end = user if at_opener else other
        error = await end.end()
        assert isinstance(error, ConnectionLostError)
        assert "ping timeout: nothing has come for" in error.message
        proxy.reset()
        acceptor.release()


async def test_pings_that_are_answered_disturb_nobody() -> None:
    quick = SocketOptions(pings=Pings(0.02, 5), limits=Limits(idle_frames=1000))
    acceptor = Acceptor()
    async with listening(acceptor, options=quick) as (address, _), opened(address, options=quick) as (user, _):
        other = await acceptor.user()
        heard_at = [end.transport.heard_at for end in (user, other)]
        await until(lambda: user.transport.heard_at > heard_at[0] and other.transport.heard_at > heard_at[1])
        user.transport.write((b"x",))
        assert await other.get(1) == [b"x"]
        assert not user.ends + other.ends
        acceptor.release()


async def test_a_server_that_has_no_room_for_the_metadata_says_so() -> None:
    small = SocketOptions(limits=Limits(max_header_list=700))
    async with listening(Acceptor(), options=small) as (address, _):
        connector = SocketConnector(address, None, SocketOptions())
        transport = connector((("key", "x" * 500),))
        try:
            with pytest.raises(StatusError, match="metadata") as raised:
                await within(transport.opened())
            assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        finally:
            await within(transport.close())


async def test_a_stream_that_ends_before_it_is_served_leaves_nothing() -> None:
    """All of it comes in one piece: the stream, its reset, and the client's farewell."""
    acceptor = Acceptor()
    acceptor.release()
    async with listening(acceptor) as (address, server):
        client = ClientConnection("localhost")
        client.open(NODE_STREAM).reset()
        client.open("/no.Such/Method")
        client.close()
        host, port = address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"".join(client.take()))
        writer.write_eof()
        while await within(reader.read(1000)):
            pass
        writer.close()
        await until(lambda: not server.connections, "no connection")
        await until(lambda: not server.serving, "nothing that is served")
        eager = asyncio.get_running_loop().get_task_factory() is not None
        assert eager or not acceptor.users


@pytest.mark.parametrize("later", range(5))
async def test_a_server_that_stops_while_clients_connect_says_nothing(later: int) -> None:
    """asyncio reports what it has accepted and cannot make a connection of."""
    server = gorums.Server(transport="asyncio")
    host, _, port = (await server.start("127.0.0.1:0")).rpartition(":")
    clients = [socket.socket() for _ in range(3)]
    for client in clients:
        client.setblocking(False)
        client.connect_ex((host, int(port)))
    for _ in range(later):
        await asyncio.sleep(0)
    await within(server.stop())
    for client in clients:
        client.close()
