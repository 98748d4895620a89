# What is written here is protoc's affair: type checkers take the types from it and do not check it.
# mypy: ignore-errors
# pyright: basic
# isort: skip_file
# flake8: noqa
# ruff: noqa
# ruff: noqa: PGH004
from google.rpc import status_pb2 as _status_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MetadataEntry(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class Message(_message.Message):
    __slots__ = ("message_seq_no", "method", "status", "entry", "payload", "following", "cancel", "session_end", "ack", "end", "credit")
    MESSAGE_SEQ_NO_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    FOLLOWING_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    SESSION_END_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    message_seq_no: int
    method: str
    status: _status_pb2.Status
    entry: _containers.RepeatedCompositeFieldContainer[MetadataEntry]
    payload: bytes
    following: int
    cancel: bool
    session_end: int
    ack: int
    end: bool
    credit: int
    def __init__(self, message_seq_no: _Optional[int] = ..., method: _Optional[str] = ..., status: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., entry: _Optional[_Iterable[_Union[MetadataEntry, _Mapping]]] = ..., payload: _Optional[bytes] = ..., following: _Optional[int] = ..., cancel: _Optional[bool] = ..., session_end: _Optional[int] = ..., ack: _Optional[int] = ..., end: _Optional[bool] = ..., credit: _Optional[int] = ...) -> None: ...

class Frame(_message.Message):
    __slots__ = ("message_seq_no", "method", "status", "entry", "payload", "following", "cancel", "session_end", "ack", "end", "batch", "credit")
    MESSAGE_SEQ_NO_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    FOLLOWING_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    SESSION_END_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    message_seq_no: int
    method: str
    status: _status_pb2.Status
    entry: _containers.RepeatedCompositeFieldContainer[MetadataEntry]
    payload: bytes
    following: int
    cancel: bool
    session_end: int
    ack: int
    end: bool
    batch: _containers.RepeatedCompositeFieldContainer[Message]
    credit: int
    def __init__(self, message_seq_no: _Optional[int] = ..., method: _Optional[str] = ..., status: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., entry: _Optional[_Iterable[_Union[MetadataEntry, _Mapping]]] = ..., payload: _Optional[bytes] = ..., following: _Optional[int] = ..., cancel: _Optional[bool] = ..., session_end: _Optional[int] = ..., ack: _Optional[int] = ..., end: _Optional[bool] = ..., batch: _Optional[_Iterable[_Union[Message, _Mapping]]] = ..., credit: _Optional[int] = ...) -> None: ...
