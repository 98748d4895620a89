"""Whether operations that overlapped can have happened one at a time.

The search is that of Wing and Gong: choose which of the open operations took effect next, and go back where that leads
nowhere. Like Lowe's, it remembers where it has been, and chooses no earlier than it must: an operation needs to have
taken effect when it returns, so the returns are gone through in their order, and at each the operation that returns is
preceded by as many others as it takes.

A point of the search is therefore three numbers: which return is next, which of the operations that are open there have
taken effect already, as bits, and the state. What has returned is in none of them; that keeps a point small.

Three things are never tried, since something as good is:

- to leave a read for later that could have its result now;
- of two operations that are the same in all but when they end, first the one that may end later;
- to let an operation that nobody heard of take effect where that changes nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

from google.protobuf.message import Message

from pygorums.testing.models import IMPOSSIBLE, Model
from pygorums.testing.operations import Operation, Outcome

__all__ = ["Search", "hashable"]

_Candidate = tuple[int, int, int, bool, bool]
"""Of an operation that is open at a return: its bit; the bit of another one that goes first, or 0; its number; whether
it is a read; whether nobody heard of it."""

_TURN = 32  # steps of the model


class Search:
    """Looks for an order in which operations of one key can have taken effect. Iterate over it until it ends.

    Each turn tries a few dozen steps of the model, so that the caller can give up or look elsewhere meanwhile.

    Args:
        operations: Those that may have been executed, in the order in which they were invoked.
        model: What they are operations of.
        states: The states that the object may have been in before; by default the model's first one.

    Attributes:
        linearizable: Whether there is an order; None as long as the search goes on.
        reached: How many returns, in their order, can be explained together.
        order: The order that was found.
        states: All states that the search came by.
    """

    def __init__(self, operations: Sequence[Operation], model: Model, states: Iterable[Any] | None = None) -> None:
        self._operations = operations
        self._model = model
        # States by number, and their numbers: each is kept once, and a point holds small numbers only.
        self.states: list[Any] = []
        self._numbers: dict[Hashable, int] = {}
        self._first = [self._number(state) for state in ((model.init,) if states is None else states)]
        self.returns = sorted(
            (number for number, operation in enumerate(operations) if operation.returned is not None),
            key=lambda number: operations[number].returned or 0,
        )
        self._own: list[int] = []  # by return: the bit of the operation that returns
        self._rows: list[list[_Candidate]] = []  # by return: what is open there
        self._more = self._lay_out()  # for no more returns than the search gets to
        self._seen: list[set[int]] = [set() for _ in self.returns]  # by return: the points where it has been
        self.linearizable: bool | None = None
        self.reached = 0
        self.order: list[Operation] = []

    def _number(self, state: Any) -> int:
        try:
            number = self._numbers.get(state)
            key = state
        except TypeError:
            key = hashable(state)
            number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.states)
            self.states.append(state)
        return number

    def __iter__(self) -> Iterator[None]:
        for first in dict.fromkeys(self._first):
            yield from self._from(first)
            if self.order or not self.returns:
                self.linearizable = True
                return
        self.linearizable = False

    def possible(self) -> list[Any]:
        """The states in which the object can have been when nothing explained what returned next."""
        width = len(self._operations)
        return [self.states[number] for number in dict.fromkeys(point >> width for point in self._seen[self.reached])]

    def _lay_out(self) -> Iterator[None]:
        """Each time: the bit of the next operation that returns, and what is open there.

        An operation has its bit for as long as it is open; then the bit is another one's.
        """
        operations, reads = self._operations, self._model.reads
        same = [_sameness(operation) for operation in operations]
        place = {number: index for index, number in enumerate(self.returns)}
        forever = len(place)
        free: list[int] = []
        bits: dict[int, int] = {}  # of what is open
        invoked = 0
        for number in self.returns:
            end = operations[number].returned or 0
            while invoked < len(operations) and operations[invoked].invoked < end:
                unheard = invoked not in place
                if not (unheard and operations[invoked].name in reads):
                    bits[invoked] = free.pop() if free else 1 << len(bits)
                invoked += 1
            row: list[_Candidate] = []
            before: dict[tuple[Any, ...], int] = {}  # the bit of the last one that is the same
            for other in sorted(bits, key=lambda other: (place.get(other, forever), other)):
                kind = same[other]
                row.append(
                    (bits[other], before.get(kind, 0), other, operations[other].name in reads, other not in place)
                )
                before[kind] = bits[other]
            row.sort(key=lambda candidate: not candidate[3])  # reads first, and then the one that returns
            self._own.append(bits[number])
            self._rows.append(row)
            yield
            free.append(bits.pop(number))

    def _from(self, state: int) -> Iterator[None]:
        """Search from one state. What an earlier search has come by leads nowhere."""
        operations, step, states, number_of = self._operations, self._model.step, self.states, self._number
        own, rows, seen = self._own, self._rows, self._seen
        last = len(self.returns)
        width = len(operations)
        at = done = 0
        taken: list[int] = []
        # Where to go back to: the point, the next candidate to be tried there, and how many were taken by then.
        back: list[tuple[int, int, int, int, int]] = []
        countdown = _TURN
        while True:
            while at < last:
                if at == len(rows):
                    next(self._more)
                if not done & own[at]:
                    break
                done ^= own[at]
                at += 1
            if at == last:
                self.reached = last
                self.order = [operations[number] for number in taken]
                return
            if at > self.reached:
                self.reached = at
            point = state << width | done
            candidate = 0
            if point in seen[at]:
                candidate = len(rows[at])
            seen[at].add(point)
            while True:
                row = rows[at]
                after: Any = IMPOSSIBLE
                while candidate < len(row):
                    bit, before, number, read, unheard = row[candidate]
                    candidate += 1
                    if done & bit or done & before != before:
                        continue
                    countdown -= 1
                    if not countdown:
                        yield
                        countdown = _TURN
                    after = step(states[state], operations[number])
                    if after is IMPOSSIBLE:
                        continue
                    new = state if after is states[state] else number_of(after)
                    if not unheard or new != state:
                        break
                    after = IMPOSSIBLE
                if after is not IMPOSSIBLE:
                    break
                if not back:
                    return
                at, done, state, candidate, depth = back.pop()
                del taken[depth:]
            if not read and candidate < len(row):
                back.append((at, done, state, candidate, len(taken)))
            taken.append(number)
            done |= bit
            state = new


def _sameness(operation: Operation) -> tuple[Any, ...]:
    """Equal for operations of which it makes no difference which is which."""
    try:
        result = hashable(operation.result) if operation.outcome is Outcome.OK else None
        return operation.name, hashable(operation.argument), operation.outcome, result
    except TypeError:
        return (id(operation),)


def hashable(value: Any) -> Hashable:
    """`value`, or something that is equal where `value` is and can be hashed.

    Raises:
        TypeError: There is none that we know of.
    """
    try:
        hash(value)
    except TypeError:
        pass
    else:
        return value  # type: ignore[no-any-return]  # it has just been hashed
    if isinstance(value, Message):
        return type(value), value.SerializeToString(deterministic=True)
    if isinstance(value, list | tuple):
        return type(value), tuple(hashable(item) for item in value)
    if isinstance(value, dict):
        return dict, frozenset((hashable(key), hashable(item)) for key, item in value.items())
    if isinstance(value, set):
        return set, frozenset(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = tuple(hashable(getattr(value, one.name)) for one in dataclasses.fields(value))
        return type(value), fields
    raise TypeError(f"a state or an argument must be hashable, and {value!r:.100} is not")
