"""The two ways of using pygorums behind one face, so that one test can be run in both.

Tests are plain functions that run in the main thread. In the asyncio world an event loop runs in a thread of its own,
to which everything is handed; in the blocking world everything is simply called.
"""

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Protocol, Self

import pygorums as gorums
from tests.support.waiting import LIMIT

OnResponse = Callable[[Any, gorums.NodeResponse[Any]], gorums.NodeResponse[Any] | None]
"""What an interceptor makes of a response of a call; None drops it."""


class Steps(Protocol):
    """Something to iterate over, step by step."""

    def __iter__(self) -> Iterator[Any]: ...

    def __next__(self) -> Any: ...

    def close(self) -> None:
        """Leaves the iteration early."""


class World(Protocol):
    """One of them.

    Attributes:
        api: where `connect`, `Server`, `System` and `local_systems` are.
    """

    api: Any

    def do(self, fn: Callable[..., Any]) -> Any:
        """Calls a function and waits for what it gives, be it a value, an awaitable or a future."""

    def start(self, fn: Callable[..., Any]) -> "Future[Any]":
        """Calls a function that gives a future, and does not wait for it."""

    def steps(self, fn: Callable[..., Any]) -> Steps:
        """What a function gives, to iterate over."""

    def using(self, fn: Callable[..., Any]) -> Any:
        """What a function gives, as a plain context manager."""

    def interceptor(self, on_response: OnResponse) -> Any:
        """A client interceptor that is a generator."""


class AsyncioWorld:
    """The asyncio interface, on a loop in a thread."""

    def __init__(self) -> None:
        self.api: Any = gorums
        self._loop = asyncio.new_event_loop()
        self._loop.set_debug(True)
        self._thread = threading.Thread(target=self._loop.run_forever, name="tests-asyncio")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        left = self.do(_other_tasks)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LIMIT)
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()
        if kind is None:
            assert not left, f"the test leaked asyncio tasks: {left}"

    def do(self, fn: Callable[..., Any]) -> Any:
        return self.start(fn).result(LIMIT)

    def start(self, fn: Callable[..., Any]) -> "Future[Any]":
        started: Future[None] = Future()

        async def run() -> Any:
            try:
                result = fn()
            finally:
                started.set_result(None)
            # Awaiting responses is an error with a text of its own.
            awaited = inspect.isawaitable(result) and not isinstance(result, gorums.Responses)
            return await result if awaited else result

        future = asyncio.run_coroutine_threadsafe(run(), self._loop)
        started.result(LIMIT)
        return future

    def steps(self, fn: Callable[..., Any]) -> Steps:
        return _AsyncSteps(self, fn)

    @contextmanager
    def using(self, fn: Callable[..., Any]) -> Iterator[Any]:
        manager = self.do(fn)
        entered = self.do(lambda: manager.__aenter__())
        try:
            yield entered
        finally:
            self.do(lambda: manager.__aexit__(None, None, None))

    def interceptor(self, on_response: OnResponse) -> Any:
        async def interceptor(call: Any, responses: AsyncIterator[Any]) -> AsyncIterator[Any]:
            async for response in responses:
                if (passed := on_response(call, response)) is not None:
                    yield passed

        return interceptor


async def _other_tasks() -> list[str]:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        _, others = await asyncio.wait(others, timeout=2)
    return [repr(task) for task in others]


class _AsyncSteps:
    def __init__(self, world: AsyncioWorld, fn: Callable[..., Any]) -> None:
        self._world = world
        self._iterator: Any = world.do(lambda: aiter(fn()))

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        async def step() -> Any:
            return await anext(self._iterator, self)

        item = self._world.do(step)
        if item is self:
            raise StopIteration
        return item

    def close(self) -> None:
        self._world.do(lambda: self._iterator.aclose())


class BlockingWorld:
    """`pygorums.sync`."""

    def __init__(self) -> None:
        self.api: Any = gorums.sync

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def do(self, fn: Callable[..., Any]) -> Any:
        result = fn()
        return result.result(LIMIT) if isinstance(result, Future) else result

    def start(self, fn: Callable[..., Any]) -> "Future[Any]":
        future = fn()
        assert isinstance(future, Future)
        return future

    def steps(self, fn: Callable[..., Any]) -> Steps:
        iterator: Steps = iter(fn())
        return iterator

    def using(self, fn: Callable[..., Any]) -> Any:
        return fn()

    def interceptor(self, on_response: OnResponse) -> Any:
        def interceptor(call: Any, responses: Iterator[Any]) -> Iterator[Any]:
            for response in responses:
                if (passed := on_response(call, response)) is not None:
                    yield passed

        return interceptor


WORLDS: dict[str, Callable[[], AsyncioWorld | BlockingWorld]] = {"asyncio": AsyncioWorld, "blocking": BlockingWorld}
