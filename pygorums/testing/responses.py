"""Responses without servers, for asyncio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, overload

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from pygorums.base.method import Method
from pygorums.calls.interceptors import Interceptor
from pygorums.calls.quorum_call import Responses
from pygorums.nodes.call_options import NO_OPTIONS
from pygorums.testing.scripted import Answer, scripted_configuration, scripted_method

__all__ = ["responses"]

Resp = TypeVar("Resp", bound=Message)


@overload
def responses(
    answers: Mapping[int, Answer[Resp]],
    *,
    timeout: float | None = 1.0,
    interceptors: Sequence[Interceptor[Any, Resp]] = (),
) -> Responses[Resp]: ...
@overload  # where the type of mixed answers is not inferred
def responses(
    answers: Mapping[int, object], *, timeout: float | None = 1.0, interceptors: Sequence[Any] = ()
) -> Responses[Any]: ...
def responses(
    answers: Mapping[int, Any], *, timeout: float | None = 1.0, interceptors: Sequence[Any] = ()
) -> Responses[Any]:
    """The responses of a quorum call to nodes that answer as they are told, to be given to an aggregation.

        assert await newest(responses({1: old, 2: new, 3: OSError("down")})) == new

    Everything that can be done with responses can be done with these: the code behind them is the same. They arrive one
    after the other in the order of the mapping. As soon as all others have, the time is up for those that are `SILENT`.

    Args:
        answers: What each node answers, by ID: a reply, an exception, `SILENT`, or a list of these for a streaming
            call, which ends after the last one.
        timeout: What the errors of silent nodes tell of, in seconds; no test takes that long. With None silent nodes
            are waited for for ever.
        interceptors: Wrapped around the call.

    Raises:
        ConfigurationError: There are no nodes, or an ID cannot be one.
        TypeError: The replies are of different types, or an answer is none of the above.
    """
    method: Method[Empty, Any] = scripted_method(answers)
    config = scripted_configuration(answers, timeout)
    return Responses(method, config, Empty(), NO_OPTIONS.extended(interceptors=interceptors))
