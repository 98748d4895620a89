"""A server of bare HTTP/2 frames, for answers that no gRPC library would give.

It understands no header: whoever opens a stream gets what the test says.
"""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END_STREAM, ACK, END_HEADERS = 1, 1, 4

Answer = Callable[["Connection", int], Awaitable[None] | None]


def headers(*pairs: tuple[str, str]) -> bytes:
    """A block of literal headers that no table remembers."""
    return b"".join(
        b"\x00" + bytes([len(key)]) + key.encode() + bytes([len(value)]) + value.encode() for key, value in pairs
    )


class Connection:
    """One connection of a client."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def send(self, kind: int, flags: int, stream: int, payload: bytes = b"") -> None:
        """Sends one frame."""
        self._writer.write(
            struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload
        )

    def respond(self, stream: int, *pairs: tuple[str, str], end: bool = False) -> None:
        """Sends headers or trailers."""
        self.send(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, headers(*pairs))

    def reset(self, stream: int, code: int) -> None:
        """Resets a stream."""
        self.send(RST_STREAM, 0, stream, struct.pack(">I", code))

    def go_away(self, last_stream: int, code: int) -> None:
        """Takes no more streams after that one."""
        self.send(GOAWAY, 0, 0, struct.pack(">II", last_stream, code))

    def close(self) -> None:
        """Ends the connection."""
        self._writer.close()


class Http2Server:
    """Gives each stream that is opened the same answer.

    Attributes:
        streams: how many streams were opened.
    """

    def __init__(self, answer: Answer) -> None:
        self.streams = 0
        self.address = ""
        self._answer = answer
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        connection = Connection(writer)
        try:
            connection.send(SETTINGS, 0, 0)
            await reader.readexactly(len(PREFACE))
            while True:
                head = await reader.readexactly(9)
                length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
                payload = await reader.readexactly(length)
                if kind == SETTINGS and not flags & ACK:
                    connection.send(SETTINGS, ACK, 0)
                elif kind == PING and not flags & ACK:
                    connection.send(PING, ACK, 0, payload)
                elif kind == HEADERS:
                    self.streams += 1
                    answer = self._answer(connection, int.from_bytes(head[5:], "big"))
                    if answer is not None:
                        await answer
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
