"""A stream that gRPC has forgotten: nothing that was begun on it ever ends, as may happen when connections break."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from pygorums.base.errors import StatusError, StreamDownError
from pygorums.transports.grpc import transport as room
from pygorums.transports.grpc.transport import OpenedGrpcTransport
from pygorums.wire.handshake import Pairs
from tests.support.waiting import turns, within


class Forgotten:
    """A call, and the channel that it was made on."""

    cancelled = closed = False

    def __init__(self) -> None:
        self.forever: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def stream_stream(self, _: str) -> Any:
        return lambda **_: self

    async def write(self, _: bytes) -> None:
        await asyncio.shield(self.forever)

    async def read(self) -> Any:
        return await asyncio.shield(self.forever)

    async def initial_metadata(self) -> Any:
        return ()

    def cancel(self) -> None:
        self.cancelled = True

    async def close(self) -> None:
        self.closed = True


class User:
    """Notes what it is told, and pauses."""

    def __init__(self, transport: OpenedGrpcTransport) -> None:
        self.ends: list[StatusError | None] = []
        transport.use(self)

    def answered(self, metadata: Pairs, /) -> None: ...

    def received(self, messages: Sequence[bytes], /) -> None: ...

    def writable(self) -> None: ...

    def leaving(self) -> None: ...

    def ended(self, error: StatusError | None, /) -> None:
        self.ends.append(error)


@pytest.mark.parametrize("paused", [False, True])
async def test_it_can_be_ended_all_the_same(paused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_READER_ENDS", 0.01)
    call: Any = Forgotten()
    connector: Any = None
    transport = OpenedGrpcTransport(connector, "node.example:1", call, ())
    user = User(transport)
    await turns()
    assert not transport.write([b"request"])
    if paused:
        transport.pause()
    why = StreamDownError("it has given no sign of life")
    transport.abort(why)
    transport.abort(StreamDownError("again"))
    await turns()
    assert user.ends == [why]
    assert call.cancelled
    await within(transport.close())
    assert call.closed
    call.forever.set_result(None)
    assert transport.reader is not None
    await within(asyncio.wait({transport.reader}))
    assert user.ends == [why]
