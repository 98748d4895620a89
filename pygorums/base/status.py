"""gRPC status codes and messages as the attributes of an exception."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

MAX_DETAILS = 1000
"""So many details of a status are taken; a peer may send millions of empty ones in one message."""


def unpacked(details: Sequence[Any]) -> Iterator[Message]:
    """The details of a status that has arrived: what each `Any` holds, if its type is known and it can be read."""
    for packed in details[:MAX_DETAILS]:
        try:
            known = descriptor_pool.Default().FindMessageTypeByName(packed.TypeName())
            yield message_factory.GetMessageClass(known).FromString(packed.value)
        except (KeyError, DecodeError):
            yield packed


CODE_BY_NUMBER: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}
"""Status codes by their number on the wire."""


class StatusCodeValue:
    """A `grpc.StatusCode` that can also be called.

    It is the attribute `code` of exceptions that are also a `grpc.RpcError`, of which `code` is a method: both
    ``error.code == StatusCode.UNAVAILABLE`` and ``error.code() == StatusCode.UNAVAILABLE`` are what they look like.
    It compares and hashes as the status code.
    """

    __slots__ = ("_code",)

    def __init__(self, code: grpc.StatusCode) -> None:
        self._code = code

    def __call__(self) -> grpc.StatusCode:
        """The code itself, as `grpc.RpcError.code` gives it."""
        return self._code

    @property
    def name(self) -> str:
        """The code's name, such as ``"UNAVAILABLE"``."""
        return self._code.name

    @property
    def value(self) -> tuple[int, str]:
        """The code's number and text, as `grpc.StatusCode` has them."""
        number, text = self._code.value
        return number, text

    def __eq__(self, other: object) -> bool:
        if isinstance(other, StatusCodeValue):
            return self._code is other._code
        return self._code is other

    def __hash__(self) -> int:
        return hash(self._code)

    def __reduce__(self) -> tuple[Any, ...]:
        return StatusCodeValue, (self._code,)

    def __repr__(self) -> str:
        return f"StatusCode.{self._code.name}"

    __str__ = __repr__


class StatusDetails(tuple[Any, ...]):
    """The details of a status: messages of any type. Called, it gives the status message, as `grpc.RpcError` does."""

    message: str

    def __new__(cls, details: Iterable[Any], message: str) -> Self:
        """Keep `details` and the `message` that calling the tuple returns."""
        self = super().__new__(cls, details)
        self.message = message
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return StatusDetails, (tuple(self), self.message)

    def __call__(self) -> str:
        """The message, as `grpc.RpcError.details` gives it."""
        return self.message
