# What is written here is protoc's affair: type checkers take the types from it and do not check it.
# mypy: ignore-errors
# pyright: basic
# isort: skip_file
# flake8: noqa
# ruff: noqa
# ruff: noqa: PGH004
from tests.compiler.corpus.left import same_name_pb2 as _same_name_pb2
from tests.compiler.corpus.right import same_name_pb2 as _same_name_pb2_1
from tests.compiler.corpus import right_same_name_pb2 as _right_same_name_pb2
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor
