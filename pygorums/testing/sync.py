"""Responses without servers, for `pygorums.sync`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, overload

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from pygorums.base.method import Method
from pygorums.nodes.call_options import NO_OPTIONS
from pygorums.sync.configuration import Configuration
from pygorums.sync.loop_thread import loop_thread
from pygorums.sync.responses import Responses
from pygorums.testing.scripted import Answer, scripted_configuration, scripted_method

__all__ = ["responses"]

Resp = TypeVar("Resp", bound=Message)


@overload
def responses(
    answers: Mapping[int, Answer[Resp]], *, timeout: float | None = 1.0, interceptors: Sequence[Any] = ()
) -> Responses[Resp]: ...
@overload  # where the type of mixed answers is not inferred
def responses(
    answers: Mapping[int, object], *, timeout: float | None = 1.0, interceptors: Sequence[Any] = ()
) -> Responses[Any]: ...
def responses(
    answers: Mapping[int, Any], *, timeout: float | None = 1.0, interceptors: Sequence[Any] = ()
) -> Responses[Any]:
    """The blocking form of `pygorums.testing.responses`, with its arguments and errors."""
    method: Method[Empty, Any] = scripted_method(answers)
    config = Configuration(scripted_configuration(answers, timeout), loop_thread())
    return Responses(method, config, Empty(), NO_OPTIONS.extended(interceptors=interceptors))
