"""What both ends of a stream of grpc.aio have in common, over a stream that is made up."""

import asyncio
from collections.abc import Sequence

from pygorums.base.errors import StatusError, StreamDownError
from pygorums.transports.grpc.stream import GrpcStream
from pygorums.wire.handshake import Pairs
from tests.support.waiting import turns


class Pausing:
    """A user that pauses when it is told of a message."""

    def __init__(self, stream: GrpcStream) -> None:
        self._stream = stream
        self.messages: list[bytes] = []
        self.ends: list[StatusError | None] = []

    def answered(self, metadata: Pairs, /) -> None: ...

    def received(self, messages: Sequence[bytes], /) -> None:
        self.messages += messages
        self._stream.pause()

    def writable(self) -> None: ...

    def leaving(self) -> None: ...

    def ended(self, error: StatusError | None, /) -> None:
        self.ends.append(error)


async def test_a_write_that_fails_while_the_user_has_paused_ends_the_stream() -> None:
    """Nothing is read then, so nothing else would say it."""
    broken = asyncio.Event()

    async def send(message: bytes) -> None:
        await broken.wait()
        raise OSError(message)

    async def receive() -> bytes:
        return b"reply"

    stream = GrpcStream(send, receive, "node.example:1")
    user = Pausing(stream)
    stream.use(user)
    await turns()
    assert user.messages == [b"reply"]
    assert not stream.write([b"request"])
    broken.set()
    await turns()
    stream.resume()
    await turns()
    (end,) = user.ends
    assert isinstance(end, StreamDownError)
    assert user.messages == [b"reply"]
    stream.let_go()
