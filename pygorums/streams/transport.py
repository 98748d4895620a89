"""What the engine needs of a stream, whoever carries it."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine
from typing import Any, Protocol

from pygorums.base.errors import StatusError, StreamDownError
from pygorums.wire.handshake import Pairs

__all__ = ["AcceptedTransport", "ConnectionLostError", "Connector", "OpenedTransport", "Transport"]


class ConnectionLostError(StreamDownError):
    """The connection below a stream broke, as opposed to: the other side has ended the stream."""


class Transport(Protocol):
    """One stream, seen from one of its ends. Frames are bytes and keep their order.

    At most one `send` and one `receive` may be under way at a time, and neither may be cancelled by
    anybody but the owner of the stream: cancelling them ends the stream.
    """

    def send(self, frame: bytes, /) -> Coroutine[Any, Any, None]:
        """Write one frame; done when the transport has taken it. Raises anything once the stream is over."""

    def receive(self) -> Awaitable[object]:
        """Read one frame; anything but bytes when the other side has ended the stream in peace.

        Raises anything otherwise.
        """

    def error(self, raised: Exception, /) -> StatusError:
        """What `send` or `receive` raised, as a status."""


class OpenedTransport(Transport, Protocol):
    """The end of a stream that opened it."""

    def opened(self) -> Awaitable[Pairs | None]:
        """Done when the stream stands. Raises anything if it cannot be opened.

        Returns:
            The acceptor's metadata, if they have come by then.
        """

    def accepted(self) -> Awaitable[Pairs]:
        """The acceptor's metadata. Some acceptors send none before their first frame, or ever."""

    def finish(self) -> Awaitable[None]:
        """Say that no more frames will be sent."""

    def abort(self, error: StatusError, /) -> None:
        """End the stream now. A `receive` that is under way raises something, which may be `asyncio.CancelledError`."""

    @property
    def aborted(self) -> StatusError | None:
        """What it was aborted with; None if it was not."""

    def close(self) -> Awaitable[None]:
        """End the stream now, if it has not ended, and let go of all it holds."""


class AcceptedTransport(Transport, Protocol):
    """The end of a stream that accepted it."""

    def confirm(self, metadata: Pairs, /) -> Awaitable[None]:
        """Send our metadata, which confirm the extensions that we will use. Otherwise there are none."""


class Connector(Protocol):
    """Makes streams to one node."""

    def __call__(self, metadata: Pairs, /) -> OpenedTransport:
        """Start to open a new stream; returns at once."""
