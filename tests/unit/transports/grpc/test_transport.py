"""The accepted end of a stream over gRPC."""

import asyncio
from collections.abc import Sequence

import grpc.aio
import pytest

from pygorums.base.errors import StatusError, StreamDownError
from pygorums.transports.grpc.transport import AcceptedGrpcTransport
from pygorums.wire.handshake import Pairs
from tests.support.waiting import turns, within


class Context:
    """gRPC's context of a stream, as long as the stream stands."""

    def __init__(self) -> None:
        self.over = False
        self.incoming: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue()
        self.written: list[object] = []
        self.gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.reads = 0

    def peer(self) -> str:
        """Reads memory that is gone once the stream is over."""
        assert not self.over
        return "ipv4:10.0.0.1:1"

    async def send_initial_metadata(self, metadata: grpc.aio.Metadata) -> None:
        await self.gate
        self.written.append(tuple(metadata))

    async def write(self, data: bytes) -> None:
        await self.gate
        self.written.append(data)

    async def read(self) -> object:
        self.reads += 1
        what = await self.incoming.get()
        if isinstance(what, BaseException):
            raise what
        return what


class User:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.end: asyncio.Future[StatusError | None] = asyncio.get_running_loop().create_future()
        self.could_write = 0

    def answered(self, metadata: Pairs, /) -> None: ...

    def received(self, messages: Sequence[bytes], /) -> None:
        self.messages += messages

    def writable(self) -> None:
        self.could_write += 1

    def leaving(self) -> None: ...

    def ended(self, error: StatusError | None, /) -> None:
        self.end.set_result(error)


@pytest.fixture
async def context() -> Context:
    return Context()


async def test_what_broke_is_told_without_asking_grpc(context: Context) -> None:
    transport, user = AcceptedGrpcTransport(context), User()
    context.over = True
    transport.use(user)
    context.incoming.put_nowait(RuntimeError("it is over"))
    error = await within(user.end)
    assert isinstance(error, StreamDownError)
    assert "ipv4:10.0.0.1:1" in error.message
    transport.let_go()


async def test_writes_follow_each_other_and_metadata_go_first(context: Context) -> None:
    transport, user = AcceptedGrpcTransport(context), User()
    transport.use(user)
    transport.confirm((("key", "value"),))
    assert not transport.write([b"1", b"2"])
    await turns()
    assert context.written == []
    context.gate.set_result(None)
    await turns()
    assert context.written == [(("key", "value"),), b"1", b"2"]
    assert user.could_write == 1
    assert transport.write([b"3"]), "which did not have to wait"
    assert context.written[-1] == b"3"
    assert user.could_write == 1
    context.incoming.put_nowait(None)
    assert await within(user.end) is None
    transport.let_go()


async def test_a_write_that_may_let_others_have_their_turn(context: Context) -> None:
    async def write(data: bytes) -> None:
        await asyncio.sleep(0)
        context.written.append(data)

    context.write = write  # type: ignore[method-assign]  # of this one object
    transport, user = AcceptedGrpcTransport(context), User()
    transport.use(user)
    assert not transport.write([b"1", b"2"])
    await turns(4)
    assert context.written == [b"1", b"2"]
    assert user.could_write == 1
    context.incoming.put_nowait(None)
    await within(user.end)
    transport.let_go()


async def test_letting_go_cancels_the_write_and_forgets_the_rest(context: Context) -> None:
    transport, user = AcceptedGrpcTransport(context), User()
    transport.use(user)
    transport.write([b"1"])
    transport.let_go()
    assert context.gate.cancelled()
    assert not transport.write([b"2"])
    context.incoming.put_nowait(None)
    await turns()
    assert not user.end.done(), "nobody wants to know"
    assert context.written == []


async def test_metadata_are_sent_also_if_the_stream_is_let_go_of(context: Context) -> None:
    """Or gRPC would try to send them twice, and the stream would never end."""
    transport, user = AcceptedGrpcTransport(context), User()
    transport.use(user)
    transport.confirm((("key", "value"),))
    transport.write([b"1"])
    transport.let_go()
    confirmed = asyncio.ensure_future(transport.confirmed())
    await turns(5)
    assert not confirmed.done()
    context.gate.set_result(None)
    await within(confirmed)
    assert context.written == [(("key", "value"),)]
    context.incoming.put_nowait(None)
    await turns()


async def test_a_write_that_fails_is_the_end_of_writing(context: Context) -> None:
    transport, user = AcceptedGrpcTransport(context), User()
    transport.use(user)
    transport.write([b"1", b"2"])
    context.gate.set_exception(RuntimeError("it is over"))
    await turns()
    assert not user.could_write
    assert not transport.write([b"3"])
    context.incoming.put_nowait(RuntimeError("it is over"))
    assert await within(user.end) is not None
    transport.let_go()


async def test_nothing_is_read_while_the_user_has_paused(context: Context) -> None:
    transport, user = AcceptedGrpcTransport(context), User()
    transport.use(user)
    transport.pause()
    for number in (b"1", b"2", None):
        context.incoming.put_nowait(number)
    await turns(10)
    assert (user.messages, context.reads) == ([], 1)
    transport.resume()
    assert await within(user.end) is None
    assert user.messages == [b"1", b"2"]
    transport.let_go()


async def test_nothing_is_read_of_a_stream_that_was_let_go_of(context: Context) -> None:
    transport, user = AcceptedGrpcTransport(context), User()
    transport.use(user)
    transport.pause()
    context.incoming.put_nowait(b"1")
    await turns(5)
    transport.let_go()
    assert transport.reader is not None
    await within(transport.reader)
    assert context.reads == 1
