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

class Outer(_message.Message):
    __slots__ = ("a",)
    class DESCRIPTOR(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    class Clear(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    class __Private(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    class _SetListener(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    class A_FIELD_NUMBER(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    class FromString(_message.Message):
        __slots__ = ()
        class mro(_message.Message):
            __slots__ = ()
            def __init__(self) -> None: ...
        def __init__(self) -> None: ...
    class Shown(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    A_FIELD_NUMBER: _ClassVar[int]
    a: int
    def __init__(self, a: _Optional[int] = ...) -> None: ...

class __class__(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
