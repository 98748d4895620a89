# What is written here is protoc's affair: type checkers take the types from it and do not check it.
# mypy: ignore-errors
# pyright: basic
# isort: skip_file
# flake8: noqa
# ruff: noqa
# ruff: noqa: PGH004
from benchmarks import benchmark_pb2 as _benchmark_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class BaselinesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class BaselinesResponse(_message.Message):
    __slots__ = ("grpc_port", "raw_port")
    GRPC_PORT_FIELD_NUMBER: _ClassVar[int]
    RAW_PORT_FIELD_NUMBER: _ClassVar[int]
    grpc_port: int
    raw_port: int
    def __init__(self, grpc_port: _Optional[int] = ..., raw_port: _Optional[int] = ...) -> None: ...
