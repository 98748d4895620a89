"""How much asyncio's debug mode remembers of where tasks, futures and callbacks come from.

By default it is the whole stack of each, pytest's fifty frames too, with the text of all their lines: that takes
more of the suite's time than what is tested.
"""

import asyncio.constants
import traceback

import pytest

__all__ = ["keep_stacks_short"]

# Who created it, and who called that, beside two frames of asyncio.
_DEPTH = 4


def keep_stacks_short(patch: pytest.MonkeyPatch) -> None:
    # Tasks and futures are written in C, which has taken hold of the function: only its defaults can be changed.
    patch.setattr(traceback.extract_stack, "__defaults__", (None, _DEPTH))
    patch.setattr(asyncio.constants, "DEBUG_STACK_DEPTH", _DEPTH)
