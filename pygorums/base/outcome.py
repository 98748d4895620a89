"""How a call ended, as one of gRPC's status codes: for those who count calls, or draw them."""

from __future__ import annotations

import grpc

from pygorums.base.errors import QuorumCallError, StatusError

__all__ = ["OK", "status_name"]

OK = "OK"


def status_name(error: BaseException | None) -> str:
    """The name of the status that a call or a handler ended with.

    Args:
        error: What it raised, or None. If that is no `Exception`, because the caller has left, it is CANCELLED. A
            quorum call that has failed has the code that all its failed nodes have in common, or else UNAVAILABLE; if
            its time was up, DEADLINE_EXCEEDED.
    """
    if error is None:
        return OK
    if isinstance(error, StatusError):
        return error.code.name
    if isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        return status_name(error.exceptions[0])
    if isinstance(error, QuorumCallError):
        if isinstance(error, TimeoutError):
            return grpc.StatusCode.DEADLINE_EXCEEDED.name
        codes = {status_name(each) for each in error.node_errors.values() if isinstance(each, StatusError)}
        return codes.pop() if len(codes) == 1 else grpc.StatusCode.UNAVAILABLE.name
    if isinstance(error, NotImplementedError):
        return grpc.StatusCode.UNIMPLEMENTED.name
    return (grpc.StatusCode.UNKNOWN if isinstance(error, Exception) else grpc.StatusCode.CANCELLED).name
