"""Messages, metadata, ends and brakes of one stream."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import grpc
import pytest

from pygorums.base.errors import StatusError, StreamDownError
from pygorums.tasks.turns import soon
from pygorums.transports.http2.limits import Limits
from pygorums.transports.interface import ConnectionLostError
from pygorums.transports.sockets.options import SocketOptions
from tests.behaviour.transports.ends import Acceptor, User, listening, opened
from tests.support.proxy import TcpProxy
from tests.support.waiting import turns, until, within

PAIRS = (("some-key", "a value"), ("bytes-bin", b"\x00\xff,"), ("some-key", "another"))


def echo(user: User, messages: object) -> None:
    user.transport.write(messages)  # type: ignore[arg-type]  # what was received


async def test_messages_go_both_ways_in_order() -> None:
    acceptor = Acceptor()
    acceptor.on_received = echo
    async with listening(acceptor) as (address, _), opened(address) as (user, _):
        sent = [b"%d" % n * (n % 7) for n in range(1000)]
        for message in sent[:500]:
            assert user.transport.write((message,))
        assert user.transport.write(sent[500:])
        assert await user.get(1000) == sent


async def test_what_is_written_soon_leaves_with_what_else_is_written_for_the_same_messages() -> None:
    acceptor = Acceptor()
    written: list[list[bytes]] = []

    def answer(user: User, messages: Sequence[bytes]) -> None:
        def write() -> None:
            assert user.messages[-len(messages) :] == list(messages)  # told before
            written.append(list(messages))
            user.transport.write((b"soon",))

        soon(asyncio.get_running_loop(), write)
        asyncio.get_running_loop().call_soon(written.append, [])
        user.transport.write((b"now",))

    acceptor.on_received = answer
    async with listening(acceptor) as (address, _), opened(address) as (user, _):
        user.transport.write((b"a", b"b"))
        assert await user.get(2) == [b"now", b"soon"]
        assert written == [[b"a", b"b"], []]  # in the turn in which they came


async def test_large_messages_are_not_overwritten_by_what_comes_next() -> None:
    acceptor = Acceptor()
    acceptor.on_received = echo
    sizes = [5, 70_000, 1, 300_000, 16_379, 16_384, 1_000_000, 0, 3]
    sent = [bytes([65 + index]) * size for index, size in enumerate(sizes * 3)]
    async with listening(acceptor) as (address, _), opened(address) as (user, _):
        for message in sent:
            user.transport.write((message,))
            if user.transport._stream.waiting:
                await until(lambda: not user.transport._stream.waiting, "room")
        assert await user.get(len(sent)) == sent
        assert {type(message) for message in user.messages} == {bytes}


@pytest.mark.parametrize("said", [PAIRS, (), None], ids=["pairs", "none", "nothing"])
async def test_metadata_go_both_ways(said: tuple[tuple[str, str | bytes], ...] | None) -> None:
    acceptor = Acceptor(said)
    async with listening(acceptor) as (address, _), opened(address, PAIRS) as (user, answer):
        assert answer == said
        assert (await acceptor.user()).transport.peer == acceptor.peers[0]  # type: ignore[union-attr]  # an acceptor's
        assert acceptor.offered == [(("user-agent", "pygorums"), *PAIRS)]
        assert acceptor.peers[0].startswith("ipv4:127.0.0.1:")
        if said is None:  # they come before the first message
            (await acceptor.user()).transport.write((b"first",))
            assert await user.get(1) == [b"first"]
            assert user.answers == [()]


async def test_an_acceptor_that_says_nothing_is_waited_for_once() -> None:
    acceptor = Acceptor(None)
    async with listening(acceptor) as (address, _), opened(address) as (user, answer):
        assert answer is None
        connector = user.transport._connector  # type: ignore[union-attr]  # an opener's
        assert connector.says_nothing
        again = connector(())
        try:
            await within(again.opened())
        finally:
            await within(again.close())


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (None, None),
        (StatusError(grpc.StatusCode.PERMISSION_DENIED, "not you, ü"), "{} ended the stream: not you, ü"),
        (StatusError(grpc.StatusCode.UNAVAILABLE, "stopping"), "{}: stopping"),
        (StatusError(grpc.StatusCode.CANCELLED, "enough"), "the stream to {} was ended: enough"),
    ],
)
async def test_the_acceptor_ends_the_stream_after_what_it_has_written(
    outcome: StatusError | None, expected: str | None
) -> None:
    acceptor = Acceptor()
    async with listening(acceptor) as (address, _), opened(address) as (user, _):
        (await acceptor.user()).transport.write([b"last", b"words"])
        acceptor.release(outcome)
        error = await user.end()
        assert user.messages == [b"last", b"words"]
        assert user.ends == [error]
        if expected is None:
            assert error is None
        else:
            assert outcome is not None
            assert error is not None
            assert error.message == expected.format(address)
            assert error.code() in (outcome.code(), grpc.StatusCode.UNAVAILABLE)
        assert not user.transport.write((b"too late",))


async def test_a_stream_that_is_refused_at_once_tells_why() -> None:
    async def refuse(*_: object) -> None:
        raise StatusError(grpc.StatusCode.UNAUTHENTICATED, "who are you?")

    async with listening(refuse) as (address, _):
        with pytest.raises(StatusError, match=f"{address} ended the stream: who are you") as raised:
            async with opened(address):
                pass
    assert raised.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_what_serves_a_stream_and_fails_tells_no_secrets(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("secret")

    async with listening(fail) as (address, _):
        with pytest.raises(StatusError, match="internal error"):
            async with opened(address):
                pass
    assert "secret" in caplog.text


async def test_the_opener_finishes_and_still_reads() -> None:
    acceptor = Acceptor()
    async with listening(acceptor) as (address, _), opened(address) as (user, _):
        user.transport.write([b"question"])
        user.transport.finish()  # type: ignore[union-attr]  # an opener's
        other = await acceptor.user()
        assert await other.end() is None
        assert other.messages == [b"question"]
        other.transport.write((b"answer",))
        acceptor.release()
        assert await user.end() is None
        assert user.messages == [b"answer"]
        assert other.ends == [None]


async def test_aborting_tells_both_ends() -> None:
    acceptor = Acceptor()
    async with listening(acceptor) as (address, _), opened(address) as (user, _):
        other = await acceptor.user()
        error = StreamDownError("enough of this")
        user.transport.abort(error)  # type: ignore[union-attr]  # an opener's
        assert not user.ends, "not from within"
        assert await user.end() is error
        told = await other.end()
        assert isinstance(told, StreamDownError)
        assert not isinstance(told, ConnectionLostError)
        assert not other.transport.write((b"too late",))
        user.transport.abort(StreamDownError("again"))  # type: ignore[union-attr]  # an opener's
        await turns()
        assert user.ends == [error]
        acceptor.release()


async def test_closing_tells_the_other_end_only() -> None:
    acceptor = Acceptor()
    async with listening(acceptor) as (address, server):
        async with opened(address) as (user, _):
            other = await acceptor.user()
        assert await other.end() is not None
        assert not user.ends
        acceptor.release()
        await until(lambda: not server.connections, "no connection")


async def test_a_stream_that_is_withdrawn_before_anybody_uses_it_cancels_what_serves_it() -> None:
    cancelled = asyncio.Event()

    async def think(*_: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with listening(think) as (address, _):
        async with opened(address):
            pass
        await within(cancelled.wait())


async def test_a_connection_that_breaks_is_told_to_both_ends() -> None:
    acceptor = Acceptor()
    async with listening(acceptor) as (address, _), TcpProxy(address) as proxy, opened(proxy.address) as (user, _):
        other = await acceptor.user()
        proxy.reset()
        for end in (user, other):
            assert isinstance(await end.end(), ConnectionLostError)
        assert "Connection reset by peer" in str(user.ends[0])
        acceptor.release()


async def test_who_has_paused_is_told_nothing_and_stops_the_other_end() -> None:
    window = 1 << 16
    options = SocketOptions(limits=Limits(stream_window=window, connection_window=window))
    acceptor = Acceptor()
    async with listening(acceptor, options=options) as (address, _), opened(address) as (user, _):
        other = await acceptor.user()
        other.transport.pause()
        sent = 0
        while user.transport.write((bytes(5000),)):
            sent += 1
            await asyncio.sleep(0)
        sent += 1
        assert sent * 5000 > window - 10_000
        await turns(20)
        assert not other.messages
        assert not user.could_write
        other.transport.resume()
        await until(lambda: user.could_write, "room")
        assert user.could_write == 1  # type: ignore[comparison-overlap]  # it has changed
        assert user.transport.write((b"end",))
        assert len(await other.get(sent + 1)) == sent + 1
        assert other.messages[-1] == b"end"
        acceptor.release()


async def test_what_is_told_before_a_pause_is_acknowledged_after_it() -> None:
    window = 1 << 16
    options = SocketOptions(limits=Limits(stream_window=window, connection_window=window))
    acceptor = Acceptor()
    acceptor.on_received = lambda user, _: user.transport.pause()
    async with listening(acceptor, options=options) as (address, _), opened(address) as (user, _):
        other = await acceptor.user()
        taken = user.transport.write((bytes(3 * window // 4),))
        await other.get(1)
        assert taken
        taken = user.transport.write((bytes(window // 2),))
        assert not taken, "the first is not acknowledged yet"
        acceptor.on_received = lambda *_: None
        other.transport.resume()
        assert len(await other.get(2)) == 2
        await until(lambda: user.could_write, "room")
        acceptor.release()


async def test_a_break_is_told_to_who_has_paused_and_peace_is_not() -> None:
    acceptor = Acceptor()
    async with listening(acceptor) as (address, _):
        async with opened(address) as (user, _):
            other = await acceptor.user()
            other.transport.pause()
            user.transport.write((b"held",))
            user.transport.finish()  # type: ignore[union-attr]  # an opener's
            await until(lambda: other.transport._held, "a held message")
            await turns(5)
            assert not other.ends
        assert await other.end() is not None
        assert other.messages == []
        acceptor.release()


async def test_the_opener_gets_what_came_before_the_end_though_it_has_paused() -> None:
    acceptor = Acceptor()
    async with listening(acceptor) as (address, _), opened(address) as (user, _):
        user.transport.pause()
        (await acceptor.user()).transport.write((b"before",))
        acceptor.release(StatusError(grpc.StatusCode.ABORTED, "enough"))
        assert await user.end() is not None
        assert user.messages == [b"before"]


async def test_large_messages_go_both_ways() -> None:
    acceptor = Acceptor()
    acceptor.on_received = echo
    async with listening(acceptor) as (address, _), opened(address) as (user, _):
        large = bytes(range(256)) * (1 << 14)
        assert len(large) == 4 << 20
        for _ in range(3):
            user.transport.write((large,))
            user.transport.write((b"small",))
        assert await user.get(6) == [large, b"small"] * 3


@pytest.mark.parametrize("at_opener", [True, False])
async def test_a_message_that_is_too_large_ends_the_stream(at_opener: bool) -> None:
    small = SocketOptions(limits=Limits(max_message=1000))
    acceptor = Acceptor()
    server, client = (None, small) if at_opener else (small, None)
    async with listening(acceptor, options=server) as (address, _), opened(address, options=client) as (user, _):
        other = await acceptor.user()
        sender, receiver = (other, user) if at_opener else (user, other)
        sender.transport.write((bytes(1000), bytes(1001), b"after"))
        error = await receiver.end()
        assert error is not None
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "1001 bytes is larger than the 1000" in error.message
        assert "raise grpc.max_receive_message_length here" in error.message
        assert receiver.messages == [bytes(1000)]
        error = await sender.end()
        assert error is not None
        if not at_opener:
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        acceptor.release()


async def test_a_message_that_comes_in_pieces_is_a_sign_of_life() -> None:
    acceptor = Acceptor()
    async with listening(acceptor) as (address, _), TcpProxy(address) as proxy, opened(proxy.address) as (user, _):
        other = await acceptor.user()
        heard_at = other.transport.heard_at
        proxy.to_server_rate = 1_000_000
        user.transport.write((bytes(300_000),))
        await until(lambda: other.transport.heard_at > heard_at, "a sign of life")
        assert not other.messages
        await other.get(1)
        acceptor.release()
