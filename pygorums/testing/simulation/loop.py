"""An event loop without a selector, whose time stands still while anything is ready and then jumps to what is next."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import random
import socket
from asyncio import events
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from contextvars import Context, copy_context
from typing import Any, Protocol, TypeVar

from pygorums.testing.simulation.handles import Handle, NumberedTask
from pygorums.transports.carrier import CARRIER

__all__ = ["START", "SimulatedLoop", "StuckError"]

T = TypeVar("T")

START = 10_000.0
"""The time when a run begins. Not zero, which programs may take for "never"."""

MOST_AT_ONCE = 1_000_000
"""Steps without any time going by that are taken for a loop that never ends."""

_log = logging.getLogger("asyncio")


class StuckError(Exception):
    """A run cannot go on, or would go on for ever."""


class Halting(Protocol):
    """A process, as the loop sees it: what is to run there is given to `defer` while it is halted."""

    halted: bool

    def defer(self, handle: Handle) -> None:
        """Keep a handle for later, or for never."""


class SimulatedLoop(asyncio.AbstractEventLoop):
    """Runs callbacks in the order in which they are due, one after the other.

    Args:
        shuffle: If given, chooses which process is next where several have something to do at the same time; what one
            process does keeps its order.

    Attributes:
        before_each: Called before each step, with what is going to be called, or None.
        after_each: Called after each step, or None.
        steps: How many there were.
        failure: What the run failed with, as soon as it has.
        dial: Connects to a host and a port, once there is a network.
    """

    def __init__(self, shuffle: random.Random | None = None) -> None:
        self._time = START
        self._ready: deque[Handle] = deque()
        self._timers: list[tuple[float, int, Handle]] = []
        self._numbers = itertools.count()
        self._shuffle = shuffle
        self._closed = False
        self._running = False
        self._exception_handler: Callable[..., Any] | None = None
        self.before_each: Callable[[Handle], None] | None = None
        self.after_each: Callable[[], None] | None = None
        self.failure: BaseException | None = None
        self.dial: Callable[[Callable[[], Any], str, int], Awaitable[Any]] | None = None
        self.steps = 0

    # What asyncio, and who uses it, asks of a loop.

    def time(self) -> float:
        """Virtual seconds."""
        return self._time

    # Typed as far as it matters: callbacks of any kind, and handles that are not asyncio's.
    def call_soon(  # type: ignore[override]  # see above; and so below
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> Any:
        """Call it after all that is ready now."""
        handle = Handle(self._time, callback, args, copy_context() if context is None else context)
        if not self._closed:
            self._ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment]

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> Any:
        """Call it at a virtual time."""
        handle = Handle(when, callback, args, copy_context() if context is None else context)
        if not self._closed:
            heapq.heappush(self._timers, (when, next(self._numbers), handle))
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> Any:
        """Call it when so many virtual seconds have passed."""
        return self.call_at(self._time + delay, callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        """A future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        """A task of this loop."""
        if self._closed and not isinstance(coro, Generator):
            coro.close()
            coro = _nothing()
        return NumberedTask(next(self._numbers), coro, loop=self, **options)

    def run_in_executor(  # type: ignore[override]
        self,
        executor: Any,  # noqa: ARG002 - whichever it is
        func: Callable[..., T],
        *args: Any,
    ) -> asyncio.Future[T]:
        """Call it now: there are no threads."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> Any:  # noqa: ARG002 - all are alike
        """A host's name is its address."""
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port))]

    async def create_connection(  # type: ignore[override]
        self, protocol_factory: Callable[[], Any], host: Any = None, port: Any = None
    ) -> Any:
        """Connect to a host of the simulation."""
        assert self.dial is not None
        return await self.dial(protocol_factory, host, port)

    async def create_server(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], Any],
        *,
        sock: Any,
        backlog: int,  # noqa: ARG002 - there is always room
    ) -> Any:
        """Serve what comes to a socket of the simulation."""
        sock.serve_with(protocol_factory)
        return sock

    def is_running(self) -> bool:
        """Whether it runs."""
        return self._running

    def is_closed(self) -> bool:
        """Whether nothing is called any more."""
        return self._closed

    def get_debug(self) -> bool:
        """Asyncio's debug mode would only make it slow."""
        return False

    def set_debug(self, enabled: bool) -> None:
        """See `get_debug`."""

    def get_task_factory(self) -> None:
        """There is none."""

    def set_exception_handler(self, handler: Any) -> None:
        """Have somebody told of what asyncio would log."""
        self._exception_handler = handler

    def get_exception_handler(self) -> Any:
        """Who is."""
        return self._exception_handler

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Tell of an error that nobody else is told of."""
        if self._closed:
            return
        if self._exception_handler is not None:
            self._exception_handler(self, context)
        else:
            self.default_exception_handler(context)

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """Log it, as asyncio does."""
        _log.error("%s", context.get("message"), exc_info=context.get("exception"))

    async def shutdown_asyncgens(self) -> None:
        """There is nothing to be done."""

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """There is none."""

    def stop(self) -> None:
        """Refused: a run ends with its scenario."""
        raise RuntimeError("the event loop of a simulation cannot be stopped from within")

    def close(self) -> None:
        """Call nothing any more."""
        self._closed = True
        self._ready.clear()
        self._timers.clear()

    # What a run does with it.

    def fail(self, error: BaseException) -> None:
        """End the run with an error after this step; the first one counts."""
        if self.failure is None:
            self.failure = error

    def ready_again(self, handles: list[Handle]) -> None:
        """Call after all what was deferred."""
        self._ready.extend(handles)

    def run_until(self, future: asyncio.Future[Any], until: float) -> None:
        """Run until a future is done.

        Args:
            future: Usually the scenario's task.
            until: The virtual time when it must be.

        Raises:
            StuckError: Nothing is left to happen, or too much.
            BaseException: `failure`, as soon as there is one.
        """
        previous = events._get_running_loop()
        events._set_running_loop(None)
        events._set_running_loop(self)
        self._running = True
        try:
            self._run(future, until)
        finally:
            self._running = False
            events._set_running_loop(previous)

    def _run(self, future: asyncio.Future[Any], until: float) -> None:
        ready, shuffle = self._ready, self._shuffle
        at_once = 0
        while not future.done():
            if not ready:
                self._jump(until)
                self.steps += at_once
                at_once = 0
            handle = ready.popleft() if shuffle is None or len(ready) == 1 else self._choose(shuffle)
            if handle._cancelled:
                continue
            context = handle._context
            process: Halting | None = context.get(CARRIER)  # type: ignore[assignment]  # what carries streams here
            if process is not None and process.halted:
                process.defer(handle)
                continue
            at_once += 1
            if at_once > MOST_AT_ONCE:
                raise StuckError(f"{MOST_AT_ONCE} steps and no time has gone by: the last one was {handle!r}")
            if self.before_each is not None:
                self.before_each(handle)
            try:
                context.run(handle._callback, *handle._args)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:
                self.fail(error)  # a callback that raises is nothing that a program lives with
            if self.after_each is not None:
                self.after_each()
            if self.failure is not None:
                raise self.failure
        self.steps += at_once

    def _jump(self, until: float) -> None:
        """To the next moment at which there is anything to do."""
        timers, ready = self._timers, self._ready
        while timers and timers[0][2]._cancelled:
            heapq.heappop(timers)
        if not timers:
            raise StuckError("nothing is left to happen: the scenario waits for ever")
        when = max(timers[0][0], self._time)
        if when > until:
            raise StuckError(f"the scenario has not ended after {until - START:g} simulated seconds")
        self._time = when
        while timers and timers[0][0] <= when:
            ready.append(heapq.heappop(timers)[2])

    def _choose(self, shuffle: random.Random) -> Handle:
        """The first thing that some process has to do."""
        ready = self._ready
        process = ready[int(shuffle.random() * len(ready))].process
        index = next(index for index, handle in enumerate(ready) if handle.process is process)
        handle = ready[index]
        del ready[index]
        return handle


async def _nothing() -> None:
    pass
