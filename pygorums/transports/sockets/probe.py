"""Asking an acceptor that has sent no metadata whether it will."""

from __future__ import annotations

import asyncio

from pygorums.transports.http2.client import ClientConnection
from pygorums.transports.http2.events import MessagesReceived, StreamEnded
from pygorums.transports.http2.faults import CannotOpenError
from pygorums.transports.http2.metadata import Pairs
from pygorums.transports.http2.status import Code
from pygorums.wire.handshake import CONFIRMS, PROBE

__all__ = ["Probe"]


class Probe:
    """A call beside the stream, which everybody who speaks gRPC answers in one way or another.

    It is what a connection tells of its stream, as `SocketStream` is for others.

    Attributes:
        answered: Whether metadata will come, or nobody has answered, so that they may.
    """

    def __init__(self) -> None:
        self.answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def ask(self, http2: ClientConnection) -> None:
        """Put the question on the connection, which is to be flushed then."""
        try:
            stream = http2.open(PROBE)
        except CannotOpenError:
            self.answered.set_result(True)  # the connection will end, and the stream with it
            return
        stream.context = self
        stream.send([b""])
        stream.half_close()

    def confirmed(self, metadata: Pairs) -> None:
        """What is asked comes at the end of the answer."""

    def took(self, event: MessagesReceived) -> None:
        """There is a health service there, whatever it says."""
        event.stream.consumed(event.size)

    def has_left(self) -> None:
        """Nothing else is to be sent."""

    def leaving(self) -> None:
        """The stream is told, too."""

    def over(self, event: StreamEnded) -> None:
        """The answer has come, or there will be none."""
        if not self.answered.done():
            unheard = event.status.code == Code.UNAVAILABLE
            self.answered.set_result(unheard or any(pair in CONFIRMS for pair in event.trailers))
