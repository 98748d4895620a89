"""Objects whose attributes are set once, when they are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from pygorums.base.pickling import Shared

__all__ = ["Immutable", "setter"]


class Immutable(Shared):
    """Its attributes cannot be assigned; ``__init__`` sets them by what `setter` gives for its slots."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a {type(self).__name__} is immutable: {name} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a {type(self).__name__} is immutable: {name} cannot be deleted")


def setter(owner: type[Immutable], slot: str) -> Callable[[Any, Any], None]:
    """Sets a slot all the same: faster than `object.__setattr__`."""
    set_slot: Callable[[Any, Any], None] = vars(owner)[slot].__set__
    return set_slot
