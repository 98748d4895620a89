from tests.compiler.corpus.imported import public_twice_pb2 as _public_twice_pb2
from tests.compiler.corpus.imported import public_pb2 as _public_pb2
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor
