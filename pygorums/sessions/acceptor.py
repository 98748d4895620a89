"""The acceptor's halves of sessions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from hashlib import sha256
from typing import Generic, TypeVar

from pygorums.sessions.hello import Confirmation, Hello
from pygorums.sessions.kept import Budget, Kept

__all__ = ["AcceptorHalf", "Greeting", "Halves"]

T = TypeVar("T")

KEPT = 64 << 20
"""Bytes of what was sent in one session that are kept until they are acknowledged."""

KEPT_IN_ALL = 256 << 20
"""The same for all sessions."""

REMEMBERED_FOR = 300.0
"""Seconds for which an ID is known after its session has ended."""

MOST_REMEMBERED = 100_000
"""IDs of ended sessions that are known at a time; the oldest go first."""


class AcceptorHalf(Generic[T]):
    """Counts for the end that accepts the streams of a session.

    Attributes:
        key: By what the session is known: its ID and who may use it.
        token: Of this half.
        kept: What was written and is not acknowledged.
        taken: How many of the opener's messages were taken.
        attached: Whether there is a stream.
    """

    def __init__(self, key: Hashable, token: str, before: str | None, kept: Kept[T]) -> None:
        self.key = key
        self.token = token
        self._before = before  # what the opener knew when this was made
        self.highest = 0  # the last of its streams
        self.kept = kept
        self.taken = 0
        self.attached = False
        self.detached_at = 0.0

    @property
    def public_id(self) -> str:
        """What tells the session from all others, and is no secret."""
        return sha256(repr(self.key).encode()).hexdigest()[:32]

    def confirmation(self, credit: int | None = None) -> Confirmation:
        """What to answer, if there is room for so many bytes more."""
        return Confirmation(self.token, self.taken, credit)

    def resume(self, hello: Hello) -> tuple[list[bytes], list[T]] | None:
        """Go on with a new stream: what has to be written again on it, or None if that cannot be."""
        if hello.token == self.token:
            return self.kept.resume(hello.received)
        if hello.token == self._before and self.taken == 0:
            # The opener was never told of this half, or it would know its token, and has taken nothing of it.
            return self.kept.resume(0)
        return None  # it has been elsewhere meanwhile, and counts from zero again


class Greeting(Generic[T]):
    """What becomes of a hello.

    Attributes:
        half: The half that the stream belongs to; None if the hello is out of date, and the stream is to be refused.
        again: What was written and has to be written again, if the half goes on; None if it is new.
        given_up: The half that was known before and is of no use any more, or None.
    """

    __slots__ = ("again", "given_up", "half")

    def __init__(
        self,
        half: AcceptorHalf[T] | None,
        again: tuple[list[bytes], list[T]] | None = None,
        given_up: AcceptorHalf[T] | None = None,
    ) -> None:
        self.half = half
        self.again = again
        self.given_up = given_up


class Halves(Generic[T]):
    """All the sessions of one acceptor.

    Args:
        limit: How many may be without a stream.
        keep: Seconds for which one is kept without a stream.
        new_token: Gives random tokens.
    """

    def __init__(self, limit: int, keep: float, new_token: Callable[[], str]) -> None:
        self._limit = limit
        self._keep = keep
        self._new_token = new_token
        self._budget = Budget(KEPT_IN_ALL)
        self._halves: dict[Hashable, AcceptorHalf[T]] = {}
        self._detached: dict[AcceptorHalf[T], None] = {}  # in the order in which their streams ended
        # The last stream of sessions that are over, and when. To find the first key of a dict that has had many before
        # takes as long as these were many.
        self._past: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._halves)

    def attached(self, hello: Hello, identity: Hashable) -> bool:
        """Whether there is a session of which this is said, and it has a stream."""
        half = self._halves.get((hello.session, identity))
        return half is not None and half.attached

    def greet(self, hello: Hello, identity: Hashable, now: float) -> Greeting[T]:
        """A stream has been let in, whose opener has said this, and is known by `identity`.

        From now on the half belongs to this stream, and nothing counts that still comes on an older one.
        """
        key = (hello.session, identity)
        half = self._halves.get(key)
        highest = self._past.get(key, (0, 0.0))[0] if half is None else half.highest
        if hello.attempt <= highest:
            return Greeting(None)
        again = None if half is None else half.resume(hello)
        given_up = None
        if half is None or again is None:
            if half is not None:
                given_up = half
                self.give_up(half, now)
            again = None
            half = AcceptorHalf(key, self._new_token(), hello.token, Kept(KEPT, self._budget))
            self._halves[key] = half
            self._past.pop(key, None)
        half.highest = hello.attempt
        half.attached = True
        self._detached.pop(half, None)
        return Greeting(half, again, given_up)

    def detach(self, half: AcceptorHalf[T], now: float) -> AcceptorHalf[T] | None:
        """The stream of a half has ended and the session has not; which one has to be given up for it, if any."""
        if self._halves.get(half.key) is not half:
            return None
        half.attached = False
        half.detached_at = now
        self._detached.pop(half, None)
        self._detached[half] = None
        if not half.kept.resumable:
            return half
        return next(iter(self._detached)) if len(self._detached) > self._limit else None

    @property
    def due_at(self) -> float | None:
        """When the one that has been without a stream for longest has been for too long; None if there is none."""
        return next((half.detached_at + self._keep for half in self._detached), None)

    def due(self, now: float) -> AcceptorHalf[T] | None:
        """One that has been without a stream for too long, or keeps less than it should without one."""
        for half in self._detached:
            if now - half.detached_at >= self._keep or not half.kept.resumable:
                return half
        return None

    def give_up(self, half: AcceptorHalf[T], now: float) -> None:
        """A session is over."""
        if self._halves.get(half.key) is not half:
            return
        del self._halves[half.key]
        self._detached.pop(half, None)
        half.attached = False
        half.kept.restart()
        self._past.pop(half.key, None)
        self._past[half.key] = (half.highest, now)
        while self._past:
            _, ended_at = next(iter(self._past.values()))
            if len(self._past) <= MOST_REMEMBERED and now - ended_at < REMEMBERED_FOR:
                break
            self._past.popitem(last=False)
