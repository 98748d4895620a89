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

class Configuration(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Node(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Future(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Responses(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Service(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ServerContext(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class asyncio(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class gorums(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class typing(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class abc(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class overload(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class property(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class str(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class bool(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Any(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Awaitable(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ShadowingServer(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Method(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class _Private(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class _abc(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SyncNode(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SyncResponses(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Sequence(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class _typing(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
