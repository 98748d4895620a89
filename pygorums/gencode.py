"""All that generated modules name of the runtime. A change that breaks them needs a new level.

Users have no need of this module: what is public here is in `pygorums` too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypedDict, TypeVar, Unpack, overload

from google.protobuf.message import Message

from pygorums.base.metadata import MetadataLike as Metadata
from pygorums.base.method import CallType, Method
from pygorums.calls.interceptors import Call, Interceptor
from pygorums.calls.one_way import multicast as _multicast
from pygorums.calls.one_way import unicast as _unicast
from pygorums.calls.quorum_call import Responses
from pygorums.calls.quorum_call import quorum_call as _quorum_call
from pygorums.calls.response import NodeResponse
from pygorums.calls.rpc import rpc as _rpc
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.node import Node
from pygorums.serving.context import ServerContext
from pygorums.serving.service import Service
from pygorums.sync import calls as _facade
from pygorums.sync.configuration import Configuration as SyncConfiguration
from pygorums.sync.configuration import Node as SyncNode
from pygorums.sync.responses import Responses as SyncResponses
from pygorums.version import __version__

__all__ = [
    "CallType",
    "Configuration",
    "Interceptors",
    "Metadata",
    "Method",
    "Node",
    "Responses",
    "ServerContext",
    "Service",
    "SyncConfiguration",
    "SyncInterceptors",
    "SyncNode",
    "SyncResponses",
    "Timeout",
    "multicast",
    "quorum_call",
    "require",
    "rpc",
    "unicast",
]

SUPPORTED_LEVELS = range(1, 2)
"""The levels of generated code that this runtime runs."""

Timeout = float | None
"""Seconds, or None for no limit."""

_Req = TypeVar("_Req", bound=Message)
_Resp = TypeVar("_Resp", bound=Message)

Interceptors = Sequence[Interceptor[_Req, _Resp]]
"""Client interceptors, the first one innermost."""

SyncInterceptors = Sequence[Callable[[Call[_Req, _Resp], Iterator[NodeResponse[_Resp]]], Iterator[NodeResponse[_Resp]]]]
"""The same for the blocking facade: plain generators, and `map_request` and `map_response`, which fit both worlds."""


def _is_facade(target: Any) -> bool:
    """Whether a call is one of the blocking facade: generated functions take what can be called in both worlds."""
    return isinstance(target, SyncNode | SyncConfiguration)


class _Options(TypedDict, Generic[_Req, _Resp], total=False):
    timeout: Timeout
    metadata: Metadata
    interceptors: Interceptors[_Req, _Resp]


class _OneWayOptions(_Options[_Req, _Resp], total=False):
    ignore_errors: bool


class _SyncOptions(TypedDict, Generic[_Req, _Resp], total=False):
    timeout: Timeout
    metadata: Metadata
    interceptors: SyncInterceptors[_Req, _Resp]


class _SyncOneWayOptions(_SyncOptions[_Req, _Resp], total=False):
    ignore_errors: bool


@overload
def rpc(
    method: Method[_Req, _Resp], node: Node, request: _Req, **options: Unpack[_Options[_Req, _Resp]]
) -> asyncio.Future[_Resp]: ...
@overload
def rpc(
    method: Method[_Req, _Resp], node: SyncNode, request: _Req, **options: Unpack[_SyncOptions[_Req, _Resp]]
) -> _Resp: ...
def rpc(
    method: Any,
    node: Any,
    request: Any,
    *,
    timeout: Timeout = None,
    metadata: Metadata = None,
    interceptors: Sequence[Any] = (),
) -> Any:
    """A request to one node."""
    if type(node) is Node or not _is_facade(node):
        return _rpc(method, node, request, timeout, metadata, interceptors)
    return _facade.rpc(method, node, request, timeout, metadata, interceptors)


@overload
def unicast(
    method: Method[_Req, _Resp], node: Node, request: _Req, **options: Unpack[_OneWayOptions[_Req, _Resp]]
) -> asyncio.Future[None]: ...
@overload
def unicast(
    method: Method[_Req, _Resp], node: SyncNode, request: _Req, **options: Unpack[_SyncOneWayOptions[_Req, _Resp]]
) -> None: ...
def unicast(
    method: Any,
    node: Any,
    request: Any,
    *,
    timeout: Timeout = None,
    metadata: Metadata = None,
    interceptors: Sequence[Any] = (),
    ignore_errors: bool = False,
) -> Any:
    """A one-way message to one node."""
    if type(node) is Node or not _is_facade(node):
        return _unicast(method, node, request, timeout, metadata, interceptors, ignore_errors)
    return _facade.unicast(method, node, request, timeout, metadata, interceptors, ignore_errors)


@overload
def multicast(
    method: Method[_Req, _Resp], config: Configuration, request: _Req, **options: Unpack[_OneWayOptions[_Req, _Resp]]
) -> asyncio.Future[None]: ...
@overload
def multicast(
    method: Method[_Req, _Resp],
    config: SyncConfiguration,
    request: _Req,
    **options: Unpack[_SyncOneWayOptions[_Req, _Resp]],
) -> None: ...
def multicast(
    method: Any,
    config: Any,
    request: Any,
    *,
    timeout: Timeout = None,
    metadata: Metadata = None,
    interceptors: Sequence[Any] = (),
    ignore_errors: bool = False,
) -> Any:
    """A one-way message to all nodes."""
    if type(config) is Configuration or not _is_facade(config):
        return _multicast(method, config, request, timeout, metadata, interceptors, ignore_errors)
    return _facade.multicast(method, config, request, timeout, metadata, interceptors, ignore_errors)


@overload
def quorum_call(
    method: Method[_Req, _Resp], config: Configuration, request: _Req, **options: Unpack[_Options[_Req, _Resp]]
) -> Responses[_Resp]: ...
@overload
def quorum_call(
    method: Method[_Req, _Resp], config: SyncConfiguration, request: _Req, **options: Unpack[_SyncOptions[_Req, _Resp]]
) -> SyncResponses[_Resp]: ...
def quorum_call(
    method: Any,
    config: Any,
    request: Any,
    *,
    timeout: Timeout = None,
    metadata: Metadata = None,
    interceptors: Sequence[Any] = (),
) -> Any:
    """A request to all nodes."""
    if type(config) is Configuration or not _is_facade(config):
        return _quorum_call(method, config, request, timeout, metadata, interceptors)
    return _facade.quorum_call(method, config, request, timeout, metadata, interceptors)


def require(level: int, *, plugin: str, source: str) -> None:
    """Refuse generated code of another level than this runtime supports. Generated modules call it first.

    Args:
        level: The level that the code was generated for.
        plugin: The version of protoc-gen-pygorums that generated it.
        source: The .proto file.

    Raises:
        ImportError: It is not supported; the text says what to do.
    """
    if level in SUPPORTED_LEVELS:
        return
    if level >= SUPPORTED_LEVELS.stop:
        fix = f"upgrade the runtime: pip install --upgrade 'pygorums>={plugin}'"
    else:
        fix = f"generate it again from {source} with protoc-gen-pygorums {__version__}"
    raise ImportError(
        f"the code generated from {source} by protoc-gen-pygorums {plugin} (level {level}) does not fit "
        f"pygorums {__version__} (levels {SUPPORTED_LEVELS.start} to {SUPPORTED_LEVELS.stop - 1}): {fix}"
    )
