"""Quorum calls for Python: typed calls to one node, or to a whole configuration of nodes.

Write a .proto with the options of ``gorums.proto``, generate a module with ``protoc --pygorums_out``, connect to
the nodes and call its functions.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pygorums import grpc_environment  # noqa: F401  # isort: skip - for its effect, before anything imports grpc
from grpc import StatusCode

from pygorums import sync as sync
from pygorums.base.backoff import Backoff
from pygorums.base.errors import (
    CallTimeoutError,
    ConfigurationError,
    GorumsError,
    IncompleteError,
    NodeClosedError,
    OutcomeUnknownError,
    QuorumCallError,
    QuorumTimeoutError,
    RejectedError,
    SendError,
    SendTimeoutError,
    StatusError,
    StoppedError,
    StreamDownError,
)
from pygorums.base.metadata import Metadata
from pygorums.base.method import CallType, Method
from pygorums.base.plain import Plain
from pygorums.base.session import Session
from pygorums.calls.correctable import LEVEL_NOT_SET, Correctable
from pygorums.calls.interceptors import Call, Interceptor
from pygorums.calls.mapping import map_request, map_response
from pygorums.calls.quorum_call import Responses
from pygorums.calls.response import NodeResponse
from pygorums.calls.sequence import ResponseSeq
from pygorums.nodes.changes import Changes, NodeAdded, NodeChange, NodeDown, NodeRemoved, NodeSuspected, NodeUp
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.connecting import connect
from pygorums.nodes.node import Node, last_error, latency, node_id
from pygorums.serving.context import Claim, ServerContext, StreamContext
from pygorums.serving.handlers import ServerInterceptor
from pygorums.serving.local_cluster import local_systems
from pygorums.serving.server import Server
from pygorums.serving.service import Service
from pygorums.serving.settings import ServerOptions, SystemOptions
from pygorums.serving.system import System
from pygorums.serving.until_signal import run, serve
from pygorums.version import __version__

if TYPE_CHECKING:
    from pygorums import testing as testing
    from pygorums.broadcast import Broadcast as Broadcast

__all__ = [
    "LEVEL_NOT_SET",
    "Backoff",
    "Call",
    "CallTimeoutError",
    "CallType",
    "Changes",
    "Claim",
    "Configuration",
    "ConfigurationError",
    "Correctable",
    "GorumsError",
    "IncompleteError",
    "Interceptor",
    "Metadata",
    "Method",
    "Node",
    "NodeAdded",
    "NodeChange",
    "NodeClosedError",
    "NodeDown",
    "NodeRemoved",
    "NodeResponse",
    "NodeSuspected",
    "NodeUp",
    "OutcomeUnknownError",
    "Plain",
    "QuorumCallError",
    "QuorumTimeoutError",
    "RejectedError",
    "ResponseSeq",
    "Responses",
    "SendError",
    "SendTimeoutError",
    "Server",
    "ServerContext",
    "ServerInterceptor",
    "ServerOptions",
    "Service",
    "Session",
    "StatusCode",
    "StatusError",
    "StoppedError",
    "StreamContext",
    "StreamDownError",
    "System",
    "SystemOptions",
    "__version__",
    "connect",
    "last_error",
    "latency",
    "local_systems",
    "map_request",
    "map_response",
    "node_id",
    "run",
    "serve",
]


def __getattr__(name: str) -> Any:
    """What few programs need is imported when it is first asked for."""
    if name == "testing":
        return import_module("pygorums.testing")
    if name == "Broadcast":
        return import_module("pygorums.broadcast").Broadcast
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
