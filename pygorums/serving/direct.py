"""Requests that do not come over a stream that the server accepted: from the own process, or back from a node."""
# ruff: noqa: D102 - methods without a docstring are as RequestHandling says

from __future__ import annotations

from asyncio import Task
from collections.abc import Callable, Sequence
from weakref import WeakKeyDictionary

from pygorums.base.errors import NodeClosedError
from pygorums.nodes.peers import Peers
from pygorums.serving.backlog import MAX_WAITING
from pygorums.serving.in_order import InOrder
from pygorums.serving.sources import Sources
from pygorums.serving.succession import Succession
from pygorums.streams.channel import FrameSink, RequestHandling
from pygorums.wire.framing import Frame, Message
from pygorums.wire.handshake import Pairs

__all__ = ["DirectRequests", "DirectSources"]


class DirectRequests:
    """Has requests handled in the order in which they are handed over, after those that came the same way before.

    Args:
        requests: Handles them.
        succession: What came the same way before.
        on_stop: Called when the source has ended and no handler runs any more.
    """

    def __init__(self, requests: InOrder, succession: Succession, on_stop: Callable[[DirectRequests], None]) -> None:
        self._requests = requests
        self._replies = requests.replies
        self.when_below = requests.backlog.when_below
        self._succession = succession
        self._on_stop = on_stop
        self._refusal: NodeClosedError | None = None
        self.gap = False
        """Whether there was no room for a one-way message, whose sender does not learn that from an answer."""
        succession.begin(requests)

    @property
    def tasks(self) -> Sequence[Task[None]]:
        """The tasks that run handlers."""
        return self._requests.tasks

    @property
    def waiting_bytes(self) -> int:
        return self._requests.backlog.bytes

    def take(self, messages: Sequence[Message | Frame], size: int, /) -> bool:
        if self._refusal is not None:
            self._replies.refuse_all(messages, self._refusal)
            return False
        refused = self._requests.put_soon(messages, size)
        for request in refused:
            self._replies.overloaded(request)
            self.gap = self.gap or self._requests.is_one_way(request.method)
        return not refused

    def stop(self) -> None:
        """The source has ended: cancel what is being handled and forget the rest."""
        self._requests.cancel()
        self._succession.ended(self._requests)
        self._requests.when_idle(lambda: self._on_stop(self))

    async def drained(self) -> None:
        """Wait until the requests that came before are handled; further ones are refused."""
        self._refusal = NodeClosedError("the server is stopping")
        await self._requests.finished()

    def shut_down(self) -> None:
        """The server stops: cancel what is being handled, and say so to those who wait, now and later."""
        self._refusal = NodeClosedError("the server has stopped")
        self._requests.cancel(self._refusal)


class DirectSources:
    """The sources of one server whose requests come over no stream that it has accepted.

    Args:
        sources: Has requests handled.
        peers: Who may be called from then on.

    Attributes:
        handling: Those that are handled.
        closed: Whether the server stops, so that further ones are refused.
    """

    def __init__(self, sources: Sources, peers: Peers) -> None:
        self._sources = sources
        self._peers = peers
        self._successions: WeakKeyDictionary[object, Succession] = WeakKeyDictionary()
        self.handling: dict[DirectRequests, None] = {}
        self.closed = False

    def handle_requests(
        self, origin: object, replies: FrameSink, *, metadata: Pairs, peer: str, peer_id: int | None, mark_end: bool
    ) -> RequestHandling:
        """Handle the requests of one more source, as `RequestServer` says."""
        self._peers.bind()
        requests = self._sources.add(
            replies,
            metadata=metadata,
            peer=peer,
            peer_id=peer_id,
            auth_context={},
            mark_end=mark_end,
            max_waiting=MAX_WAITING,
        )
        succession = self._successions.setdefault(origin, Succession())
        handling = DirectRequests(requests, succession, lambda ended: self.handling.pop(ended, None))
        self.handling[handling] = None
        if self.closed:
            handling.shut_down()
        return handling
