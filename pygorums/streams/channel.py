"""What call functions need of a node, whichever way its messages travel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from pygorums.streams.outgoing import Outgoing
from pygorums.streams.pending import PendingCall, PendingCalls
from pygorums.wire.framing import Frame, Message
from pygorums.wire.handshake import Pairs

__all__ = ["Channel", "FrameSink", "PeerWatcher", "RequestHandling", "RequestServer"]


class Channel(Protocol):
    """Carries calls to one node."""

    @property
    def pending(self) -> PendingCalls:
        """The calls that wait for replies over the stream that is used now, and how fast the node is."""

    @property
    def waiting(self) -> int:
        """How many calls wait for the node, over whichever stream."""

    @property
    def connected(self) -> bool:
        """Whether a message sent now would be on its way."""

    @property
    def suspected(self) -> bool:
        """Whether the node is silent for longer than it used to be."""

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""

    @property
    def inbound(self) -> bool:
        """Whether the node opened the stream."""

    @property
    def last_error(self) -> Exception | None:
        """Why there was no stream last."""

    @property
    def opened(self) -> int:
        """How many times there was a new stream."""

    @property
    def queued_bytes(self) -> int:
        """The bytes that wait to be sent to the node."""

    def request(self, seq_no: int, call: PendingCall) -> None:
        """Send a call and expect replies; the call is told if that cannot be."""

    def post(self, frame: bytes, owner: Outgoing) -> None:
        """Send a one-way message; its owner is told what becomes of it."""

    def forget(self, seq_no: int) -> bool:
        """Expect no more replies to a call; whether the node owed any."""

    def give_up(self, seq_no: int) -> bool:
        """As `forget`, and if it owed any, tell the node that nobody waits for them, should it want to know.

        A message that still waits to be sent, and is withdrawn, never leaves; then there is nothing to tell.
        """

    def withdraw(self) -> None:
        """The owner of a message, which may still wait to be sent, says from now on that it is withdrawn."""

    async def close(self, why: str | None = None) -> None:
        """Send nothing more and fail all calls, which are told why."""


class FrameSink(Protocol):
    """Where frames go: the writer of a stream, or the caller in the same process."""

    @property
    def queued_bytes(self) -> int:
        """The bytes that are not sent yet."""

    def put(self, frame: bytes, owner: Outgoing, /) -> bool:
        """Take a frame; False if it does not fit."""

    async def drained(self, limit: int, /) -> None:
        """Wait until no more than `limit` bytes are not sent yet."""


class RequestHandling(Protocol):
    """The handling, in order, of the requests that come one way: from one stream, or from within the process."""

    @property
    def waiting_bytes(self) -> int:
        """The bytes of the requests whose turn has not come."""

    @property
    def gap(self) -> bool:
        """Whether there was no room for a one-way message, whose sender does not learn that from an answer."""

    def take(self, messages: Sequence[Message | Frame], size: int, /) -> bool:
        """Handle requests that have come together, in `size` bytes, after those that were taken before. Never waits.

        Returns:
            Whether there was room for all; those for which there was none have been answered so.
        """

    def when_below(self, limit: int, callback: Callable[[], None], /) -> None:
        """Have `callback` called, once, when no more than `limit` bytes of requests wait; they are more now."""

    def stop(self) -> None:
        """Cancel what is being handled and forget the rest."""


class PeerWatcher(Protocol):
    """Those who have streams to the peers of a server."""

    def heard_from(self, node_id: int, /, *, new: bool) -> None:
        """The peer is there; `new` if it has just connected."""


class RequestServer(Protocol):
    """A server, as the streams of a client see it that answer calls made back to it."""

    @property
    def node_id(self) -> int:
        """The ID that the streams announce; 0 for none."""

    def introduction(self, node_id: int, address: str, /) -> Pairs:
        """Further metadata for the streams to one node."""

    def add_watcher(self, watcher: PeerWatcher, /) -> None:
        """Have somebody told when a known peer has connected to this server. Does not keep them alive."""

    def handle_requests(
        self, origin: object, replies: FrameSink, *, metadata: Pairs, peer: str, peer_id: int | None, mark_end: bool
    ) -> RequestHandling:
        """Start to handle requests that do not come over a stream that the server accepted.

        No handler begins before those have ended whose requests came from the same `origin` earlier.
        """
