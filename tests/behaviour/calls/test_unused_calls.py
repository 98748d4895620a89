"""Quorum calls that nobody uses: a warning says so, and says it of nothing else. In both worlds."""

import asyncio
import gc
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, follow
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster
from tests.support.nowhere import NOWHERE, unreachable
from tests.support.waiting import until, within

REQUEST = Text(text="x")

# What is forgotten without having been sent.
UNUSED: dict[str, Callable[[Any], object]] = {
    "a quorum call": lambda config: ask(config, REQUEST),
    "a streaming one": lambda config: follow(config, REQUEST),
    "intercepted": lambda config: ask(config, REQUEST, interceptors=[lambda call, responses: responses]),
    "results": lambda config: ask(config, REQUEST).results(),
    "a filter": lambda config: ask(config, REQUEST).ignore_errors().filter(lambda response: True),
    "an iterator": lambda config: (iter if hasattr(config, "thread") else aiter)(ask(config, REQUEST)),
}
each_unused = pytest.mark.parametrize("name", UNUSED)


@contextmanager
def warned(name: str) -> Iterator[list[str]]:
    """Exactly one warning, about the forgotten call; what it says is in the list afterwards."""
    said: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield said
        gc.collect()
    said += [str(warning.message) for warning in caught if warning.category is RuntimeWarning]
    assert len(said) == 1, said
    method = "calls.Calls.Follow" if name == "a streaming one" else "calls.Calls.Ask"
    assert said[0].startswith(f"a call of {method} was never used, so nothing was sent")


@each_unused
async def test_it_is_told(name: str) -> None:
    async with unreachable(3) as config:
        with warned(name) as said:
            UNUSED[name](config)
        # The suite runs in asyncio's debug mode.
        assert "Made at (most recent call last)" in said[0]
        assert __file__ in said[0]
        assert "test_it_is_told" in said[0]


@each_unused
def test_it_is_told_without_asyncio(name: str) -> None:
    with gorums.sync.connect(NOWHERE[:3], backoff=gorums.Backoff(initial=60, maximum=60)) as config:
        with warned(name) as said:
            UNUSED[name](config)
        assert "Made at" not in said[0]


async def test_where_it_was_made_costs_nothing_but_in_debug_mode() -> None:
    sys.set_coroutine_origin_tracking_depth(0)
    async with unreachable(3) as config:
        with warned("") as said:
            ask(config, REQUEST)
        assert "Made at" not in said[0]


async def test_what_was_used_is_not_told_of() -> None:
    """Warnings are errors here."""
    async with unreachable(3) as config:

        def call() -> gorums.Responses[Text]:
            return ask(config, REQUEST, timeout=0.01)

        for use in (
            lambda: call().majority(),
            lambda: call().async_all(),
            lambda: call().correctable(1).wait(),
            lambda: call().collect_all(),
            lambda: call().collect_n(0),
            lambda: call().collect_quorum(),
            lambda: call().aggregate(lambda replies: None),
            lambda: call().results().aclose(),
            lambda: anext(call().ignore_errors()),
            lambda: call().send().first(),
        ):
            awaitable: Any = use()
            with suppress(gorums.IncompleteError, StopAsyncIteration):
                await within(awaitable)
            # Nor of one whose task was cancelled before it had begun.
            task = asyncio.ensure_future(use())
            task.cancel()
            await asyncio.wait({task})
            if not task.cancelled():
                task.exception()
        call().send()
        with pytest.raises(ValueError, match="at least one"):
            await call().threshold(0)
        with pytest.raises(ValueError, match="cannot collect"):
            await call().collect_n(-1)
        with pytest.raises(ValueError, match="at least one"):
            await call().collect_quorum(0)
        gc.collect()


async def test_the_last_reference_may_be_dropped_in_another_thread(one: Cluster[ScriptedCalls]) -> None:
    """As when the garbage collector runs there: what belongs to the event loop is done on the event loop."""

    def holding(**options: Any) -> list[Any]:
        return [ask(one.config, Text(text="silent"), **options).send()]

    async def waiting(call: Any, responses: Any) -> Any:
        async for response in responses:
            yield response

    for options in ({}, {"interceptors": [waiting]}):
        holder = holding(**options)
        sequence = [holder[0].results()]
        holder.clear()
        with pytest.raises(TimeoutError):
            await within(anext(sequence[0]), 0.01)
        await asyncio.to_thread(sequence.clear)
        await until(lambda: one.node.pending == 0)
        holder = holding(**options)
        await asyncio.to_thread(holder.clear)
        await until(lambda: one.node.pending == 0)
