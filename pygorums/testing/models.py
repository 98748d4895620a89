"""What an object does when only one process uses it: what a history is checked against."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final

from pygorums.testing.operations import Operation

__all__ = ["IMPOSSIBLE", "Model", "counter", "kv", "log", "queue", "register"]


class _Impossible:
    def __repr__(self) -> str:
        return "IMPOSSIBLE"


IMPOSSIBLE: Final = _Impossible()
"""What a step returns if no object in that state could have given that result."""


@dataclass(frozen=True, slots=True)
class Model:
    """A sequential object: its first state, and what an operation makes of a state.

        def step(state, operation):
            if operation.name == "swap":
                return operation.argument if operation.gave(state) else testing.IMPOSSIBLE
            ...

        swapped = testing.Model(None, step)

    Args:
        init: The state before the first operation, of each key.
        step: Given a state and an `Operation`, returns the state after it, or `IMPOSSIBLE` if an operation in that
            state would have had another result. It must not change the state that it is given: there are many that the
            checker goes back to. Of an operation whose outcome is unknown it cannot tell the result, so that any is
            right, which is what `Operation.gave` says. States are compared with each other and must be hashable: tuples
            rather than lists, frozen data classes.
        key: Given an operation, returns the part of the object that it is about, if parts have nothing to do with each
            other: the key of a map. Each part is then checked alone, which is much faster. None: there are no parts.
        reads: The names of operations that never change the state. To tell them makes checking faster.
    """

    init: Any
    step: Callable[[Any, Operation], Any]
    key: Callable[[Operation], Hashable] | None = None
    reads: frozenset[str] = frozenset()


def _unheard_of(operation: Operation, model: str, names: str) -> ValueError:
    return ValueError(f"{model} has no operation {operation.name!r}: it has {names}")


def _register_step(state: Any, operation: Operation) -> Any:
    name = operation.name
    if name == "write":
        return operation.argument
    if name == "read":
        return state if operation.gave(state) else IMPOSSIBLE
    if name == "cas":
        expected, new = operation.argument
        if state == expected:
            return new if operation.gave(True) else IMPOSSIBLE
        return state if operation.gave(False) else IMPOSSIBLE
    raise _unheard_of(operation, "a register", "write, read and cas")


def register(initial: Any = None) -> Model:
    """One value: "write" has it as the argument, "read" as the result.

    "cas", compare and set, has the pair (expected, new) as its argument, and tells whether it was done: True or False.
    What a write returns does not matter.
    """
    return Model(initial, _register_step, reads=frozenset({"read"}))


def _kv_step(state: Any, operation: Operation) -> Any:
    name = operation.name
    if name == "get":
        return state if operation.gave(state) else IMPOSSIBLE
    if name == "put":
        return operation.argument[1]
    if name == "append":
        return operation.argument[1] if state is None else state + operation.argument[1]
    if name == "cas":
        _, expected, new = operation.argument
        if state == expected:
            return new if operation.gave(True) else IMPOSSIBLE
        return state if operation.gave(False) else IMPOSSIBLE
    if name == "delete":
        return None
    raise _unheard_of(operation, "a key-value store", "get, put, append, cas and delete")


def _kv_key(operation: Operation) -> Hashable:
    argument = operation.argument
    key: Hashable = argument if operation.name in ("get", "delete") else argument[0]
    return key


def kv(initial: Any = None) -> Model:
    """Values by key: "get" and "delete" have the key as their argument, "put" and "append" the pair (key, value).

    "cas" has (key, expected, new), and tells whether it was done. What is not there is `initial`, or None once it was
    deleted. To append to None is to put; what is appended to must know ``+``. What put, append and delete return does
    not matter. Each key is checked alone.
    """
    return Model(initial, _kv_step, _kv_key, reads=frozenset({"get"}))


def _counter_step(state: Any, operation: Operation) -> Any:
    name = operation.name
    if name == "read":
        return state if operation.gave(state) else IMPOSSIBLE
    if name == "add":
        total = state + (1 if operation.argument is None else operation.argument)
        return total if operation.gave(total) or operation.result is None else IMPOSSIBLE
    raise _unheard_of(operation, "a counter", "add and read")


def counter(initial: float = 0) -> Model:
    """A number: "add" has the amount as its argument, 1 if that is None, and "read" has the number as the result.

    If an add returns anything but None, that is to be the new number.
    """
    return Model(initial, _counter_step, reads=frozenset({"read"}))


def _queue_step(state: Any, operation: Operation) -> Any:
    name = operation.name
    if name == "put":
        return (*state, operation.argument)
    if name == "get":
        if not state:
            return state if operation.gave(None) else IMPOSSIBLE
        return state[1:] if operation.gave(state[0]) else IMPOSSIBLE
    raise _unheard_of(operation, "a queue", "put and get")


def queue() -> Model:
    """First in, first out: "put" has a value as its argument, and "get" the oldest one as its result, None if empty.

    What a put returns does not matter.
    """
    return Model((), _queue_step)


def _log_step(state: Any, operation: Operation) -> Any:
    name = operation.name
    if name == "append":
        if operation.gave(len(state)) or operation.result is None:
            return (*state, operation.argument)
        return IMPOSSIBLE
    if name == "read":
        index = operation.argument
        if index is None:
            return state if not operation.known or tuple(operation.result) == state else IMPOSSIBLE
        return state if operation.gave(state[index] if index < len(state) else None) else IMPOSSIBLE
    raise _unheard_of(operation, "a log", "append and read")


def log() -> Model:
    """What was appended stays: "append" has a value as its argument, and the index that it got, from 0, or None.

    "read" has an index as its argument and the value there as its result, None if there is none yet; without an
    argument it has everything, as a sequence.
    """
    return Model((), _log_step, reads=frozenset({"read"}))
