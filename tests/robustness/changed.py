"""Values that are nearly right, for fuzzers."""

from __future__ import annotations

import random
from collections.abc import Sequence

__all__ = ["NUMBERS", "changed"]

CHARACTERS = "0123456789abcdef -\x001gé"

NUMBERS = (0, 1, 2, 3, 255, 256, (1 << 32) - 1, 1 << 63, (1 << 64) - 1, 1 << 64, 10**19, 10**20 - 1)
"""Where something might break."""


def changed(chance: random.Random, value: str, said: Sequence[str]) -> str:
    """A value as it was, or nearly: with what others have said, other numbers, or another character somewhere."""
    how = chance.randrange(8)
    if how < 3:
        return value
    if how < 6:
        parts = value.split(" ")
        at = chance.randrange(len(parts))
        if how == 3:
            parts[at] = str(chance.choice(NUMBERS) if chance.random() < 0.5 else chance.randrange(20))
        elif how == 4:
            other = chance.choice(said).split(" ")
            parts[at] = chance.choice(other)
        elif chance.random() < 0.5:
            del parts[at]
        else:
            parts.insert(at, chance.choice(("-", "0", "1", "", "x" * 1000)))
        return " ".join(parts)
    at = chance.randrange(len(value) + 1)
    character = chance.choice(CHARACTERS)
    return value[:at] + character + value[at + (how == 6) :]
