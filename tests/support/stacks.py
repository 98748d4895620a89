"""How much asyncio's debug mode remembers of where tasks, futures and callbacks come from.

By default it is the whole stack of each, pytest's fifty frames too, with the text of all their lines, and each of their
files is looked at: that takes twice the time of what is tested.
"""

import asyncio.format_helpers
import sys
import traceback
from traceback import FrameSummary, StackSummary
from types import FrameType

import pytest

__all__ = ["keep_stacks_short"]


def _extract_stack(f: FrameType | None = None, limit: int | None = None) -> StackSummary:
    # Who gives neither frame nor limit is asyncio: who creates it, who calls that, and two frames of asyncio.
    if limit is None:
        limit = 4 if f is None else sys.getrecursionlimit()
    if f is None:
        f = sys._getframe(1)
    stack = StackSummary()
    while f is not None and len(stack) < limit:
        code = f.f_code
        stack.append(FrameSummary(code.co_filename, f.f_lineno, code.co_name, lookup_line=False))
        f = f.f_back
    stack.reverse()
    return stack


def _extract_stack_of_callback(f: FrameType | None = None, limit: int | None = None) -> StackSummary:
    return _extract_stack(f, limit or 4)


def keep_stacks_short(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(asyncio.format_helpers, "extract_stack", _extract_stack_of_callback)
    # Tasks and futures are written in C, which has taken hold of this function before anybody could put another in its
    # place. Its code finds what it needs under the same names in its own module.
    patch.setattr(traceback.extract_stack, "__code__", _extract_stack.__code__)
