# What is written here is protoc's affair: type checkers take the types from it and do not check it.
# mypy: ignore-errors
# pyright: basic
# isort: skip_file
# flake8: noqa
# ruff: noqa
# ruff: noqa: PGH004
from tests.compiler.corpus.imported import public_pb2 as _public_pb2
from tests.compiler.corpus.imported import definitions_pb2 as _definitions_pb2
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar
from tests.compiler.corpus.imported.public_pb2 import Public as Public

DESCRIPTOR: _descriptor.FileDescriptor
