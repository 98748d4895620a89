# What is written here is protoc's affair: type checkers take the types from it and do not check it.
# mypy: ignore-errors
# pyright: basic
# isort: skip_file
# flake8: noqa
# ruff: noqa
# ruff: noqa: PGH004
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Outer(_message.Message):
    __slots__ = ()
    class Middle(_message.Message):
        __slots__ = ("inner",)
        class Inner(_message.Message):
            __slots__ = ()
            def __init__(self) -> None: ...
        INNER_FIELD_NUMBER: _ClassVar[int]
        inner: Outer.Middle.Inner
        def __init__(self, inner: _Optional[_Union[Outer.Middle.Inner, _Mapping]] = ...) -> None: ...
    def __init__(self) -> None: ...
