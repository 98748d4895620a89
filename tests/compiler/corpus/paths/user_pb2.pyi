# What is written here is protoc's affair: type checkers take the types from it and do not check it.
# mypy: ignore-errors
# pyright: basic
# isort: skip_file
# flake8: noqa
# ruff: noqa
# ruff: noqa: PGH004
from tests.compiler.corpus.paths.dotted.name.more import dots_pb2 as _dots_pb2
import importlib
_lambda_pb2 = importlib.import_module('tests.compiler.corpus.paths.in_dash.class.lambda_pb2')
from tests.compiler.corpus.paths.in_dash import with_dash_pb2 as _with_dash_pb2
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor
