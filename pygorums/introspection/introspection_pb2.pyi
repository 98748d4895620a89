# What is written here is protoc's affair: type checkers take the types from it and do not check it.
# mypy: ignore-errors
# pyright: basic
# isort: skip_file
# flake8: noqa
# ruff: noqa
# ruff: noqa: PGH004
import gorums_pb2 as _gorums_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StatsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ServerStats(_message.Message):
    __slots__ = ("version", "node_id", "methods", "calls", "nodes", "clients", "streams", "running", "held_bytes")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    METHODS_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    CLIENTS_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    HELD_BYTES_FIELD_NUMBER: _ClassVar[int]
    version: str
    node_id: int
    methods: _containers.RepeatedCompositeFieldContainer[MethodStats]
    calls: _containers.RepeatedCompositeFieldContainer[MethodStats]
    nodes: _containers.RepeatedCompositeFieldContainer[NodeStats]
    clients: int
    streams: int
    running: int
    held_bytes: int
    def __init__(self, version: _Optional[str] = ..., node_id: _Optional[int] = ..., methods: _Optional[_Iterable[_Union[MethodStats, _Mapping]]] = ..., calls: _Optional[_Iterable[_Union[MethodStats, _Mapping]]] = ..., nodes: _Optional[_Iterable[_Union[NodeStats, _Mapping]]] = ..., clients: _Optional[int] = ..., streams: _Optional[int] = ..., running: _Optional[int] = ..., held_bytes: _Optional[int] = ...) -> None: ...

class MethodStats(_message.Message):
    __slots__ = ("name", "by_status", "durations")
    class ByStatusEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    BY_STATUS_FIELD_NUMBER: _ClassVar[int]
    DURATIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    by_status: _containers.ScalarMap[str, int]
    durations: Quantiles
    def __init__(self, name: _Optional[str] = ..., by_status: _Optional[_Mapping[str, int]] = ..., durations: _Optional[_Union[Quantiles, _Mapping]] = ...) -> None: ...

class NodeStats(_message.Message):
    __slots__ = ("id", "address", "inbound", "state", "pending", "queued_bytes", "latencies", "reconnects", "last_error")
    ID_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    INBOUND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    QUEUED_BYTES_FIELD_NUMBER: _ClassVar[int]
    LATENCIES_FIELD_NUMBER: _ClassVar[int]
    RECONNECTS_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    id: int
    address: str
    inbound: bool
    state: str
    pending: int
    queued_bytes: int
    latencies: Quantiles
    reconnects: int
    last_error: str
    def __init__(self, id: _Optional[int] = ..., address: _Optional[str] = ..., inbound: _Optional[bool] = ..., state: _Optional[str] = ..., pending: _Optional[int] = ..., queued_bytes: _Optional[int] = ..., latencies: _Optional[_Union[Quantiles, _Mapping]] = ..., reconnects: _Optional[int] = ..., last_error: _Optional[str] = ...) -> None: ...

class Quantiles(_message.Message):
    __slots__ = ("count", "mean", "p50", "p90", "p99")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    P50_FIELD_NUMBER: _ClassVar[int]
    P90_FIELD_NUMBER: _ClassVar[int]
    P99_FIELD_NUMBER: _ClassVar[int]
    count: int
    mean: float
    p50: float
    p90: float
    p99: float
    def __init__(self, count: _Optional[int] = ..., mean: _Optional[float] = ..., p50: _Optional[float] = ..., p90: _Optional[float] = ..., p99: _Optional[float] = ...) -> None: ...
