# What is written here is protoc's affair: type checkers take the types from it and do not check it.
# mypy: ignore-errors
# pyright: basic
# isort: skip_file
# flake8: noqa
# ruff: noqa
# ruff: noqa: PGH004
import gorums_pb2 as _gorums_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class ReadRequest(_message.Message):
    __slots__ = ("refused_by",)
    REFUSED_BY_FIELD_NUMBER: _ClassVar[int]
    refused_by: int
    def __init__(self, refused_by: _Optional[int] = ...) -> None: ...

class ReadReply(_message.Message):
    __slots__ = ("requests",)
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    requests: int
    def __init__(self, requests: _Optional[int] = ...) -> None: ...
