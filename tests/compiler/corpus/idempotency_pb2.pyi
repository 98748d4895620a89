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
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class Empty(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
