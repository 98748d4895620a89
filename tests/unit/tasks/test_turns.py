"""What is done together, and what soon."""

from __future__ import annotations

import asyncio

import pytest

from pygorums.tasks.turns import soon, together


async def test_what_is_wanted_soon_follows_what_is_done_together() -> None:
    loop = asyncio.get_running_loop()
    log: list[str] = []

    def inner() -> None:
        log.append("inner")
        soon(loop, lambda: log.append("soon, of inner"))

    def outer(name: str) -> None:
        log.append(name)
        soon(loop, lambda: log.append("soon"))
        together(inner)  # is a part of it
        log.append("outer ends")

    together(outer, "outer")
    assert log == ["outer", "inner", "outer ends", "soon", "soon, of inner"]


async def test_otherwise_it_is_for_the_next_turn() -> None:
    loop = asyncio.get_running_loop()
    log: list[str] = []

    def again() -> None:
        log.append("first")
        soon(loop, lambda: log.append("second"))  # what was done together is over

    together(soon, loop, again)
    assert log == ["first"]
    soon(loop, lambda: log.append("third"))
    assert log == ["first"]
    await asyncio.sleep(0)
    assert log == ["first", "second", "third"]


async def test_a_failure_keeps_nothing_back() -> None:
    loop = asyncio.get_running_loop()
    log: list[str] = []

    def fails() -> None:
        soon(loop, lambda: log.append("soon"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        together(fails)
    assert log == ["soon"]
    soon(loop, lambda: log.append("later"))
    assert log == ["soon"]
    await asyncio.sleep(0)
    assert log == ["soon", "later"]
