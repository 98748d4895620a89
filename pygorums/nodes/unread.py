"""What a reader has not read yet of what happens to some things: all of it, or if that is much the newest of each."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Generic, TypeVar

__all__ = ["Unread"]

K = TypeVar("K")
S = TypeVar("S")
T = TypeVar("T")

ROOM = 64
"""How many entries there is room for at least, before the older ones of each thing are left out."""


class Unread(Generic[K, S, T]):
    """Entries in their order, each about a thing that has a new state. As many as there are things, or few more.

    When there are too many, only the newest of each thing stays, and none of a thing whose state is the one that the
    reader knows. So no two entries in a row that are taken of one thing have the same state.

    Args:
        known: The states that the reader knows already.
        first: The state of a thing that is new.
        last: The state of a thing that is no more.

    Attributes:
        missed: How many entries were left out.
    """

    def __init__(self, known: Mapping[K, S], *, first: S, last: S) -> None:
        self._known = dict(known)
        self._first = first
        self._last = last
        self._entries: deque[tuple[K, S, T]] = deque()
        self._room = ROOM
        self.missed = 0

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, thing: K, state: S, entry: T) -> None:
        """Add an entry, which is newer than all others."""
        self._entries.append((thing, state, entry))
        if len(self._entries) > self._room:
            self._leave_out()

    def take(self) -> T:
        """The oldest entry.

        Raises:
            IndexError: There is none.
        """
        thing, state, entry = self._entries.popleft()
        if not self._entries:
            self._room = ROOM
        self._learn(thing, state)
        return entry

    def _learn(self, thing: K, state: S) -> None:
        if state == self._last:
            self._known.pop(thing, None)
        else:
            self._known[thing] = state

    def _leave_out(self) -> None:
        before = len(self._entries)
        newest: dict[K, tuple[K, S, T]] = {}
        oldest: dict[K, S] = {}
        for thing, state, entry in self._entries:
            oldest.setdefault(thing, state)
            newest.pop(thing, None)  # so that the order is that of the newest ones
            newest[thing] = (thing, state, entry)
        self._entries = deque(
            each
            for each in newest.values()
            if each[1] != self._known.get(each[0])
            # What came and went meanwhile was never there for this reader.
            and not (each[1] == self._last and oldest[each[0]] == self._first)
        )
        self.missed += before - len(self._entries)
        self._room = max(ROOM, 2 * len(self._entries))
