# What is written here is protoc's affair: type checkers take the types from it and do not check it.
# mypy: ignore-errors
# pyright: basic
# isort: skip_file
# flake8: noqa
# ruff: noqa
# ruff: noqa: PGH004
from google.protobuf import any_pb2 as _any_pb2
from google.protobuf import empty_pb2 as _empty_pb2
import gorums_pb2 as _gorums_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Parcel(_message.Message):
    __slots__ = ("origin", "incarnation", "number", "message")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    origin: int
    incarnation: int
    number: int
    message: _any_pb2.Any
    def __init__(self, origin: _Optional[int] = ..., incarnation: _Optional[int] = ..., number: _Optional[int] = ..., message: _Optional[_Union[_any_pb2.Any, _Mapping]] = ...) -> None: ...
