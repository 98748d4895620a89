"""What carries a stream, and what it tells the one who uses it.

Both ends push: the user writes when it has something, the transport tells what has come in the turn of the event loop
in which it came. Nobody waits in between, and there is no queue that somebody else has not asked for by `pause`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from pygorums.base.errors import StatusError, StreamDownError
from pygorums.wire.handshake import Pairs

__all__ = ["AcceptedTransport", "ConnectionLostError", "Connector", "OpenedTransport", "StreamUser", "Transport"]


class ConnectionLostError(StreamDownError):
    """The connection below a stream broke, as opposed to: the other side has ended the stream."""


class StreamUser(Protocol):
    """Who uses a stream. The transport calls these in the event loop, one at a time; none of them raises."""

    def answered(self, metadata: Pairs, /) -> None:
        """At an opener: the acceptor's metadata have come. They do before its first message, if at all."""

    def received(self, messages: Sequence[bytes], /) -> None:
        """Messages have come, complete and in order. They are the user's from now on."""

    def writable(self) -> None:
        """What was written has been taken, after `Transport.write` had said that it was not: there can be more."""

    def leaving(self) -> None:
        """The other side, or a proxy on the way, takes no new streams on this connection, and may end it before long.

        The stream goes on. Who opened it does well to open another one.
        """

    def ended(self, error: StatusError | None, /) -> None:
        """Nothing more comes.

        Args:
            error: Why, if the stream is over; None if the other side has sent all it had to send. Then an acceptor may
                still write, and if the stream breaks meanwhile it is told that too.
        """


class Transport(Protocol):
    """One stream, seen from one of its ends. Messages are bytes and keep their order."""

    @property
    def at_once(self) -> int:
        """How many bytes make a write that is worth it; 0 if each message costs as much as a write of its own."""

    @property
    def heard_at(self) -> float:
        """When anything came last over the connection, be it a part of a message, by the event loop's clock."""

    def use(self, user: StreamUser, /) -> None:
        """Tell this user from now on. What has come before is told soon, and metadata at once."""

    def write(self, messages: Sequence[bytes], /) -> bool:
        """Write messages. They leave in this turn if they can.

        Returns:
            Whether they were taken. If not there should be no further `write` before `StreamUser.writable`, so that
            what waits is bounded; and they may not have left. Once the stream is over nothing is taken.
        """

    def pause(self) -> None:
        """Tell of no more messages until `resume`. The other side may send a few more, and then has to wait."""

    def resume(self) -> None:
        """Tell of messages again."""


class OpenedTransport(Transport, Protocol):
    """The end of a stream that opened it."""

    silent: bool
    """Whether the other side has had its moment and has answered something else, but no metadata, nor has it said that
    they will come: so it confirms nothing. Known once the stream stands."""

    def opened(self) -> Awaitable[None]:
        """Done when the stream stands: the other side has answered something. It does not wait for ever.

        Acceptors that send their metadata at once are given a moment for that.

        Raises:
            StatusError: It cannot be opened.
        """

    def finish(self) -> None:
        """Say that there will be no further `write`. What the other side still sends is told."""

    def abort(self, error: StatusError, /) -> None:
        """End the stream now. The user is told soon that it has ended with this error."""

    def close(self) -> Awaitable[None]:
        """End the stream, if it has not ended, and let go of all it holds. The user is told nothing more."""


class AcceptedTransport(Transport, Protocol):
    """The end of a stream that accepted it. It ends when what serves it returns or raises."""

    @property
    def peer(self) -> str:
        """Where the opener is, as gRPC writes it: ``ipv4:host:port``, ``ipv6:%5Bhost%5D:port`` or ``unix:path``."""

    when_kept: Callable[[int], None] | None
    """Told how many bytes have come and not been handed on, when that changes: messages that come after `pause`, and
    large ones that are not complete. Only by transports that know it."""

    def confirm(self, metadata: Pairs, /) -> None:
        """Send our metadata, which confirm the extensions that we will use. Otherwise there are none."""


class Connector(Protocol):
    """Makes streams to one node."""

    def __call__(self, metadata: Pairs, /) -> OpenedTransport:
        """Start to open a new stream; returns at once."""
