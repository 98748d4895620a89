"""A TCP proxy that can be a bad network: slow, silent, reset, closed half way, cut in mid-frame."""

import asyncio
import socket
import struct
from collections import deque
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.support.waiting import until

_CHUNK = 1 << 16


class TcpProxy:
    """Forwards connections made to `address` to `target`; what else it does can be changed at any time.

    Attributes:
        target: where new connections go, `host:port`.
        attempts: connections that were made to the proxy, also those that it turned away at once.
        delay: seconds that each piece of data is held back, in each direction; the order is kept.
        turn_away: new connections are reset at once.
        deaf: what clients send is taken and goes nowhere; the other direction works.
        cuts: how many bytes of the next connections get through to the server and to the client before each of them
            ends, None for all.
        to_server_rate, to_client_rate: bytes per second and connection in that direction; None for no limit.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.attempts = 0
        self.delay = 0.0
        self.turn_away = False
        self.deaf = False
        self.cuts: deque[tuple[int | None, int | None]] = deque()
        self.to_server_rate: float | None = None
        self.to_client_rate: float | None = None
        self.links: list[Link] = []
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server: asyncio.Server | None = None
        self._port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def address(self) -> str:
        """Where clients connect to; stays the same when listening ends and starts again."""
        return f"127.0.0.1:{self._port}"

    @property
    def open_links(self) -> int:
        """How many connections are forwarded now."""
        return len(self.links)

    async def listen(self) -> None:
        """Accepts connections, (again) at the same port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    def stop_listening(self) -> None:
        """Connections are refused from now on, as by a host where nothing listens."""
        assert self._server is not None
        self._server.close()

    def freeze(self) -> None:
        """Data stays where it is, in both directions and without end; nothing is lost."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Ends `freeze`."""
        self._flowing.set()

    def reset(self) -> None:
        """Resets (RST) every connection, on both sides."""
        for link in list(self.links):
            link.reset()

    def reset_clients(self) -> None:
        """Resets every connection on the client's side only. The server is not told, as behind a NAT."""
        for link in self.links:
            link.forsaken = True
            if not link.client.is_closing():
                _reset(link.client)

    def half_close_from_server(self) -> None:
        """Ends the servers' direction of every connection, as if they had nothing more to say."""
        for link in list(self.links):
            link.end(link.client)

    def half_close_from_client(self) -> None:
        """Ends the clients' direction of every connection, as if they had nothing more to say."""
        for link in list(self.links):
            link.end(link.server)

    def cut_to_server_after(self, count: int) -> None:
        """Lets `count` more bytes through to the server, then ends the connection."""
        for link in self.links:
            link.to_server_left = count

    def cut_to_client_after(self, count: int) -> None:
        """Lets `count` more bytes through to the client, then ends the connection."""
        for link in self.links:
            link.to_client_left = count

    async def attempted(self, count: int) -> None:
        """Waits until `count` connections have been made in all."""
        await until(lambda: self.attempts >= count, f"{count} connection attempts")

    async def forwards(self, attempt: int) -> None:
        """Waits until so many connections have been made in all, and one of them is forwarded."""
        await until(lambda: self.attempts >= attempt and self.links, f"connection {attempt} to be forwarded")

    async def close(self) -> None:
        """Stops listening and resets what is open."""
        if self._server is not None:
            self._server.close()
        self.thaw()
        self.reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.attempts += 1
        if self.turn_away:
            _reset(writer)
            return
        host, _, port = self.target.rpartition(":")
        try:
            server_reader, server_writer = await asyncio.open_connection(host, int(port))
        except (OSError, asyncio.CancelledError):  # nobody listens there, or the proxy is being closed
            _reset(writer)
            return
        link = Link(self, writer, server_writer)
        if self.cuts:
            link.to_server_left, link.to_client_left = self.cuts.popleft()
        self.links.append(link)
        try:
            await asyncio.gather(link.pump(reader, to_server=True), link.pump(server_reader, to_server=False))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            if not link.forsaken:
                link.reset()

    async def _held_back(self) -> None:
        if self.delay:
            await asyncio.sleep(self.delay)
        await self._flowing.wait()


class Link:
    """One connection through the proxy."""

    def __init__(self, proxy: TcpProxy, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client = client
        self.server = server
        self.to_server_left: int | None = None
        self.to_client_left: int | None = None
        self.forsaken = False
        self._proxy = proxy
        self._ended: set[asyncio.StreamWriter] = set()

    def end(self, writer: asyncio.StreamWriter) -> None:
        """Says to one side that nothing more will come, and drops what does."""
        if writer not in self._ended and not writer.is_closing():
            self._ended.add(writer)
            with suppress(OSError):  # that side is gone, and nobody has read of it yet
                writer.write_eof()

    def reset(self) -> None:
        """Resets both sides."""
        for writer in (self.client, self.server):
            if not writer.is_closing():
                _reset(writer)
        if self in self._proxy.links:
            self._proxy.links.remove(self)

    def _piece(self, to_server: bool) -> int:
        rate = self._proxy.to_server_rate if to_server else self._proxy.to_client_rate
        return _CHUNK if rate is None else max(256, round(rate / 100))

    async def pump(self, reader: asyncio.StreamReader, *, to_server: bool) -> None:
        """Forwards one direction until it ends."""
        writer = self.server if to_server else self.client
        while data := await reader.read(self._piece(to_server)):
            await self._proxy._held_back()
            rate = self._proxy.to_server_rate if to_server else self._proxy.to_client_rate
            if rate is not None:
                await asyncio.sleep(len(data) / rate)
            if writer in self._ended or (to_server and self._proxy.deaf):
                continue
            left = self.to_server_left if to_server else self.to_client_left
            if left is not None and len(data) >= left:
                # A reset would also drop what was written just before it: the receiving side gets its part
                # of the frame and then the end, the sending side a reset.
                writer.write(data[:left])
                writer.close()
                self.reset()
                return
            if left is not None and to_server:
                self.to_server_left = left - len(data)
            elif left is not None:
                self.to_client_left = left - len(data)
            writer.write(data)
            await writer.drain()
        if not self.forsaken:
            self.end(writer)


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock is not None:
        # Closing with a linger time of 0 sends RST and drops what is in the buffers.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
