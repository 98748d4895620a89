"""The keyword arguments of servers and systems, as types."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypedDict

import grpc

from pygorums.base.backoff import Backoff
from pygorums.base.metadata import StreamMetadataLike
from pygorums.base.observing import Observer
from pygorums.base.plain import Plain
from pygorums.base.session import Session
from pygorums.nodes.configuration import Configuration
from pygorums.serving.context import Claim, StreamContext
from pygorums.serving.handlers import ServerInterceptor
from pygorums.transports.choosing import TransportName

__all__ = ["CommonServerOptions", "OutboundOptions", "ServerOptions", "SystemOptions"]


class CommonServerOptions(TypedDict, total=False):
    """Those of a `Server` of either world."""

    interceptors: Sequence[ServerInterceptor]
    observers: Sequence[Observer]
    on_connect: Callable[[StreamContext], Awaitable[None] | None] | None
    authorize: Callable[[Claim], Awaitable[None] | None] | None
    credentials: ssl.SSLContext | grpc.ServerCredentials | None
    transport: TransportName | None
    hide_errors: bool
    cancel_abandoned: bool
    introspection: bool
    plain: bool | Plain
    session_limit: int
    session_keep: float
    session_linger: float
    options: Sequence[tuple[str, Any]]


class ServerOptions(CommonServerOptions, total=False):
    """The keyword arguments of `Server` that a `System` has too."""

    on_config_change: Callable[[Configuration], object] | None
    ready: Callable[[Configuration], bool] | None


class OutboundOptions(TypedDict, total=False):
    """Those of a system's connections to its peers."""

    metadata: StreamMetadataLike
    channel_credentials: ssl.SSLContext | grpc.ChannelCredentials | None
    send_buffer: int
    backoff: Backoff
    session: Session | None
    suspect_after: float | None
    channel_options: Sequence[tuple[str, Any]]


class SystemOptions(ServerOptions, OutboundOptions, total=False):
    """The keyword arguments of `System` that may differ between the nodes of `local_systems`."""
