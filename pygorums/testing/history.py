"""Recording what processes asked of a system, and what became of it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import grpc

from pygorums.base.errors import ConfigurationError, ErrorKind, GorumsError, StreamDownError, matches
from pygorums.testing.models import Model
from pygorums.testing.operations import Operation, Outcome
from pygorums.testing.picture import picture_of
from pygorums.testing.timeline import timeline_of
from pygorums.testing.verdict import NotLinearizableError, UndecidedError, Verdict, check_operations

__all__ = ["History", "NotExecutedError"]

T = TypeVar("T")
P = ParamSpec("P")

join: Callable[[History], Iterator[int]] | None = None
"""Gives the moments of a new history; set while a simulation runs, so that all that happens there is in one order."""

_OUTCOMES = (GorumsError, grpc.RpcError, TimeoutError, OSError)
"""Errors that are what may become of a call. Others are faults of the program that makes it."""


class NotExecutedError(GorumsError):
    """For programs that know that an operation was not executed and never will be: `History.call` believes it."""


class History:
    """The operations of some processes on something that they share, to be checked against a model.

        history = testing.History()
        await history.call("c1", "write", 5, write(config, request).majority())
        value = await history.call("c1", "read", None, newest(read(config, ReadRequest())))
        history.assert_linearizable(testing.register())

    What overlapped is seen from invocations and returns, in the order in which they were recorded, which is why all
    processes of a history are in one Python process, be they tasks or threads.

    Args:
        failures: Which errors mean that an operation was certainly not executed: exception classes and status codes.
            `NotExecutedError` and `ConfigurationError` always do, and in a session a `StreamDownError` that is certain.
            All others leave open what became of it, as do timeouts and cancellations.
        clock: Tells the time in seconds, for timelines only; `time.monotonic` by default.
    """

    def __init__(
        self, *, failures: Iterable[ErrorKind] = (), clock: Callable[[], float] = lambda: time.monotonic()
    ) -> None:
        self._failures: tuple[ErrorKind, ...] = (NotExecutedError, ConfigurationError, *failures)
        for kind in self._failures:
            matches(None, kind)  # raises if it is none
        self._clock = clock
        self._operations: list[Operation] = []
        # Each number is taken before what is recorded begins, or after it has ended. Threads may come between: then
        # operations seem to overlap that did not, which never makes a history wrong that is right.
        self._moments = itertools.count() if join is None else join(self)

    @property
    def operations(self) -> tuple[Operation, ...]:
        """What was recorded, in the order of the invocations."""
        return tuple(sorted(self._operations, key=lambda operation: operation.invoked))

    def invoke(self, process: Any, name: str, argument: Any = None) -> Operation:
        """Record that an operation begins, before it does.

        Args:
            process: Who asks, for people.
            name: What is asked for, as the model has it.
            argument: With what.

        Returns:
            What `ok`, `failed` or `unknown` is to be told when it has ended.
        """
        operation = Operation(process, name, argument, invoked=next(self._moments), began=self._clock())
        self._operations.append(operation)
        return operation

    def ok(self, operation: Operation, result: Any = None) -> None:
        """Record that an operation has returned `result`.

        Raises:
            ValueError: It has ended before. So do the two below.
        """
        self._end(operation, Outcome.OK, result, None)

    def failed(self, operation: Operation, error: BaseException | None = None) -> None:
        """Record that an operation was certainly not executed and never will be."""
        self._end(operation, Outcome.FAILED, None, error)

    def unknown(self, operation: Operation, error: BaseException | None = None) -> None:
        """Record that nobody waits for an operation any more. It may take effect at any time, or never."""
        self._end(operation, Outcome.UNKNOWN, None, error)

    def _end(self, operation: Operation, outcome: Outcome, result: Any, error: BaseException | None) -> None:
        if operation.ended is not None:
            raise ValueError(f"{operation.process} was told of the end of {operation} before")
        operation.result, operation.error = result, error
        operation.ended = self._clock()
        operation.outcome = outcome
        if outcome is not Outcome.UNKNOWN:
            operation.returned = next(self._moments)

    def call(self, process: Any, name: str, argument: Any, awaitable: Awaitable[T]) -> Coroutine[Any, Any, T | None]:
        """Record an operation around an awaitable: invoked now, and ended when that is done.

        Returns:
            A coroutine that returns what the awaitable does. It returns None if that raises what may become of a call:
            an error of pygorums or gRPC, `TimeoutError`, `OSError`; the outcome is recorded, and a test goes on.

        Raises:
            BaseException: In the coroutine: what else the awaitable raised, cancellation included. The outcome is
                unknown then, too. A `ConfigurationError` is raised as well: nothing was asked of anybody.
        """
        return self._awaited(self.invoke(process, name, argument), awaitable)

    async def _awaited(self, operation: Operation, awaitable: Awaitable[T]) -> T | None:
        try:
            result = await awaitable
        except BaseException as error:
            if self._is_outcome(operation, error):
                return None
            raise
        self.ok(operation, result)
        return result

    def call_sync(
        self, process: Any, name: str, argument: Any, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T | None:
        """Record an operation around a call of `function`, for threads: all else is as with `call`."""
        operation = self.invoke(process, name, argument)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            if self._is_outcome(operation, error):
                return None
            raise
        self.ok(operation, result)
        return result

    def _is_outcome(self, operation: Operation, error: BaseException) -> bool:
        """Record an error, and say whether it may become of a call that is made as it should be."""
        certain = isinstance(error, StreamDownError) and error.certain
        if certain or any(matches(error, kind) for kind in self._failures):
            self.failed(operation, error)
        else:
            self.unknown(operation, error)
        return isinstance(error, _OUTCOMES) and not isinstance(error, ConfigurationError)

    def check(self, model: Model, limit: float | None = 10.0) -> Verdict:
        """Whether the operations can have taken effect one at a time, each between its invocation and its return.

        Args:
            model: What they are operations of.
            limit: Seconds after which to give up; None for never. To check may take time that is exponential in the
                number of operations that overlap.
        """
        return check_operations(self._operations, model, limit)

    def assert_linearizable(self, model: Model, limit: float | None = 10.0) -> None:
        """Fail unless `check` finds that the history is linearizable.

        Raises:
            NotLinearizableError: It is not. An `AssertionError` that shows the shortest stretch that cannot be.
            UndecidedError: Nobody knows, for the time was up. An `AssertionError`, too.
        """
        verdict = self.check(model, limit)
        if verdict.linearizable is None:
            raise UndecidedError(verdict)
        if not verdict.linearizable:
            raise NotLinearizableError(verdict)

    def html(self, path: str | Path) -> None:
        """Write a picture of all operations to `path`, as one HTML file. That of a `Verdict` shows more."""
        Path(path).write_text(picture_of(self.operations, f"{len(self._operations)} operations"), encoding="utf-8")

    def __str__(self) -> str:
        return timeline_of(self.operations)
