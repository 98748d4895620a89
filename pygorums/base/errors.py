"""Every exception that pygorums raises.

An error says what failed and at which node. A failed quorum call keeps the error of each node, so that
a caller can ask what it was caused by, or leave the failed nodes out and try again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, Self, TypeVar

import grpc

from pygorums.base.pickling import portable
from pygorums.base.shown import shown
from pygorums.base.status import StatusCodeValue, StatusDetails

__all__ = [
    "CallTimeoutError",
    "ConfigurationError",
    "ErrorKind",
    "GorumsError",
    "IncompleteError",
    "NodeClosedError",
    "OutcomeUnknownError",
    "QuorumCallError",
    "QuorumTimeoutError",
    "RejectedError",
    "SendError",
    "SendTimeoutError",
    "StatusError",
    "StoppedError",
    "StreamDownError",
    "counted",
    "matches",
    "renewed",
]

E = TypeVar("E", bound=Exception)

ErrorKind = type[BaseException] | grpc.StatusCode | StatusCodeValue
"""What errors are matched by: an exception class, or a status code, also as `StatusError.code` has it."""


MAX_SHOWN = 16 << 10
"""Characters of a peer's text that are shown."""


class GorumsError(Exception):
    """The base of all errors of pygorums."""


class ConfigurationError(GorumsError, ValueError):
    """A configuration or an address that cannot be: empty, malformed, duplicate, or of another pool."""


class StatusError(GorumsError, grpc.RpcError):
    """A status from a node or from a handler.

    A handler raises it to answer with that status; a caller gets it from a node. It is also a
    `grpc.RpcError`, and `code` and `details` may be called as there.

    Args:
        code: The status code; OK is not an error and refused.
        message: What happened, for people.
        details: Protobuf messages with more, as in `google.rpc.Status.details`.
        node_id: The node that it came from, when known.

    Attributes:
        code: Compares equal to the `grpc.StatusCode`; ``error.code()`` is the code itself.
        message: What happened, for people, as it came. Printed, the error shows it on one line: what cannot be
            printed is escaped.
        details: A tuple of protobuf messages; ``error.details()`` is `message`, as in gRPC. What came from a node is
            unpacked where the program knows its type, as it does of messages whose modules it has imported; the rest
            are `google.protobuf.any_pb2.Any`.
        node_id: The node's ID, or None.
    """

    # In grpc.RpcError these are methods; ours are values that can be called as those can.
    code: StatusCodeValue
    details: StatusDetails

    def __init__(
        self,
        code: grpc.StatusCode,
        message: str = "",
        details: Iterable[Any] = (),
        *,
        node_id: int | None = None,
    ) -> None:
        if not isinstance(code, grpc.StatusCode):
            raise TypeError(f"code must be a grpc.StatusCode, not {code!r}")
        if code is grpc.StatusCode.OK:
            raise ValueError("OK is not an error: return a reply instead of raising StatusError")
        super().__init__(code, message)
        self.code = StatusCodeValue(code)
        self.message = message
        self.details = StatusDetails(details, message)
        self.node_id = node_id

    def __reduce__(self) -> tuple[Any, ...]:
        # Subclasses take other arguments than a status, so making one anew goes past them.
        return _restored, (type(self), self.args), self.__dict__

    def __str__(self) -> str:
        message = self._shown()
        text = f"{self.code.name}: {message}" if message else self.code.name
        return text if self.node_id is None else f"node {self.node_id}: {text}"

    def _shown(self) -> str:
        # It may come from a peer, which is not to write to our terminals and logs what it likes.
        return shown(self.message, MAX_SHOWN)


def _restored(kind: type[E], args: tuple[Any, ...]) -> E:
    error = kind.__new__(kind, *args)
    error.args = args
    return error


class CallTimeoutError(StatusError, TimeoutError):
    """A node did not answer in time: `DEADLINE_EXCEEDED`, and a `TimeoutError`."""

    def __init__(self, message: str, *, node_id: int | None = None) -> None:
        super().__init__(grpc.StatusCode.DEADLINE_EXCEEDED, message, node_id=node_id)

    def _shown(self) -> str:
        return self.message  # it is never a peer's, and may have several lines


class _UnavailableError(StatusError):
    def __init__(self, message: str, *, node_id: int | None = None) -> None:
        super().__init__(grpc.StatusCode.UNAVAILABLE, message, node_id=node_id)


class NodeClosedError(_UnavailableError):
    """The call's configuration was closed, by `close()` or with its event loop."""


class StreamDownError(_UnavailableError):
    """The node cannot be reached, or wants no more calls, and has not handled this one, if that is `certain`.

    Attributes:
        certain: Whether the node has certainly not handled the call, and never will: so it can be made again, there or
            at another node. In sessions, which there are by default (`Session`), it is True, since what may have been
            handled fails with `OutcomeUnknownError`. Without one a call that had left may have been handled, even
            twice, and it is False.
    """

    def __init__(self, message: str, *, node_id: int | None = None, certain: bool = False) -> None:
        super().__init__(message, node_id=node_id)
        self.certain = certain


class OutcomeUnknownError(_UnavailableError):
    """The call had left in a session that is gone, or whose node cannot be reached: it was handled once, or not at all.

    To call again may have it handled twice. So find out first what has become of it; or say in the .proto that twice
    does no harm, by ``option idempotency_level = IDEMPOTENT;``: such a call is sent again to the process that has come
    instead. Of one-way messages that had left nobody is told so: the logger ``pygorums.streams`` warns, with their
    number.
    """


class StoppedError(GorumsError):
    """The system stopped while somebody waited for its configuration."""


class RejectedError(GorumsError):
    """A node's reply was rejected by the caller: by a filter, a check, or an interceptor that dropped it."""


class _CallProgress(Protocol):
    """What an error tells of a call: `Responses` has it."""

    @property
    def method_name(self) -> str: ...
    @property
    def node_errors(self) -> Mapping[int, Exception]: ...
    @property
    def replies(self) -> int: ...
    @property
    def timed_out(self) -> bool: ...


class QuorumCallError(GorumsError):
    """A call to a configuration that failed.

    Printed, it is its cause and one line for each failed node.

    Attributes:
        method: The method's full name, such as ``proto.Storage.ReadQC``.
        node_errors: The error of each node that had failed, or whose replies were rejected, by node ID.
        replies: How many nodes had succeeded. A call that fails early does not wait for the others, so that is no
            count of the nodes that have done what they were asked.
    """

    cause = "failed"

    def __init__(
        self, method: str, node_errors: Mapping[int, Exception], replies: int = 0, cause: str | None = None
    ) -> None:
        super().__init__(method, node_errors, replies, cause)
        self.method = method
        self.node_errors: dict[int, Exception] = dict(node_errors)
        self.replies = replies
        if cause is not None:
            self.cause = cause

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors of interceptors and the like may be anything, and must not keep this one from another process.
        node_errors = {node_id: portable(error, GorumsError) for node_id, error in self.node_errors.items()}
        method, _, *rest = self.args
        return _restored, (type(self), (method, node_errors, *rest)), {**self.__dict__, "node_errors": node_errors}

    def __copy__(self) -> Self:
        copied = _restored(type(self), self.args)
        copied.__dict__.update(self.__dict__, node_errors=dict(self.node_errors))
        return copied

    def caused_by(self, kind: ErrorKind) -> bool:
        """Whether this error, or the error of any node, is of `kind`: an exception class or a status code.

        Raises:
            TypeError: `kind` is neither.
        """
        return matches(self, kind) or any(matches(error, kind) for error in self.node_errors.values())

    def __str__(self) -> str:
        lines = [f"{self.method}: {self.cause} ({counted(len(self.node_errors), 'error')}, {self._successes()})"]
        for node_id, error in sorted(self.node_errors.items()):
            text = str(error) or type(error).__name__
            prefix = f"node {node_id}: "
            lines.append("  " + (text if text.startswith(prefix) else prefix + text).replace("\n", "\n    "))
        return "\n".join(lines)

    def _successes(self) -> str:
        return f"{counted(self.replies, 'reply', 'replies')} by then"


class IncompleteError(QuorumCallError):
    """Too few nodes succeeded. Raised as soon as that is certain."""

    cause = "incomplete call"

    @staticmethod
    def of(responses: _CallProgress) -> IncompleteError:
        """The error for a call that gave too little, from the `Responses` that a custom aggregation has read.

        It holds the errors of the nodes that were read to have failed, and of those whose replies were rejected by
        interceptors, filters or checks. If the time was up it is a `QuorumTimeoutError`, and the silent nodes are in
        it too.
        """
        kind = QuorumTimeoutError if responses.timed_out else IncompleteError
        return kind(responses.method_name, responses.node_errors, responses.replies)


class QuorumTimeoutError(IncompleteError, TimeoutError):
    """Too few nodes had succeeded when the time was up. Silent nodes are in `node_errors` as `TimeoutError`."""

    cause = "timed out"


class SendError(QuorumCallError):
    """A one-way message could not be sent to one or more nodes."""

    cause = "send failure"

    def _successes(self) -> str:
        return f"sent to {counted(self.replies, 'node')}"


class SendTimeoutError(SendError, TimeoutError):
    """A one-way message had not been sent to some nodes when the time was up; they are in `node_errors`."""

    cause = "timed out while sending"


_NO_STREAM = grpc.StatusCode.UNAVAILABLE


def renewed(error: StatusError, node_id: int, *, certain: bool = False) -> StatusError:
    """The same error of a node, for somebody else: raising one that is shared would pile up tracebacks.

    Args:
        error: The error.
        node_id: The node.
        certain: Whether this call has not left, if that is because there is no stream, or the node wants none.
    """
    # A node that refuses a stream as UNAVAILABLE is down, whoever has found that out.
    if isinstance(error, StreamDownError) or (type(error) is StatusError and error.code == _NO_STREAM):
        return StreamDownError(error.message, node_id=node_id, certain=certain)
    if isinstance(error, NodeClosedError):
        return NodeClosedError(error.message, node_id=node_id)
    return StatusError(error.code(), error.message, error.details, node_id=node_id)


def counted(n: int, one: str, many: str | None = None) -> str:
    """``1 reply``, ``2 replies``: a number with its noun."""
    return f"{n} {one if n == 1 else many or one + 's'}"


def matches(error: BaseException | None, kind: ErrorKind) -> bool:
    """Whether `error`, or an error that it was raised from, is of `kind`.

    Raises:
        TypeError: `kind` is neither an exception class nor a status code.
    """
    if isinstance(kind, StatusCodeValue):
        kind = kind()
    if not isinstance(kind, grpc.StatusCode) and not (isinstance(kind, type) and issubclass(kind, BaseException)):
        raise TypeError(f"errors are matched by an exception class or a grpc.StatusCode, not by {kind!r}")
    while error is not None:
        if isinstance(kind, grpc.StatusCode):
            if isinstance(error, StatusError) and error.code == kind:
                return True
        elif isinstance(error, kind):
            return True
        error = error.__cause__
    return False
