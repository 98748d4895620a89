"""A name server for one process: answers every question for an IPv4 address with the one it was told."""

import asyncio
import socket
import struct
from types import TracebackType
from typing import Self

_HEADER = struct.Struct(">HHHHHH")
_TYPE_A = 1


class NameServer(asyncio.DatagramProtocol):
    """Listens at a UDP port.

    Attributes:
        answer: The address that names have now.
        questions: How many questions for an IPv4 address have come.
        port: Where it listens.
    """

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.questions = 0
        self.port = 0

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.port = self._transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.close()

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        """Answers one question."""
        number, *_ = _HEADER.unpack_from(data)
        end = data.index(0, _HEADER.size) + 5
        question = data[_HEADER.size : end]
        (kind,) = struct.unpack_from(">H", question, len(question) - 4)
        answer = b""
        if kind == _TYPE_A:
            self.questions += 1
            # The name of the question, its type and class, a lifetime of 0, and the address.
            answer = b"\xc0\x0c" + struct.pack(">HHIH", _TYPE_A, 1, 0, 4) + socket.inet_aton(self.answer)
        header = _HEADER.pack(number, 0x8580, 1, 1 if answer else 0, 0, 0)
        self._transport.sendto(header + question + answer, address)
