"""The names of OpenTelemetry's semantic conventions for RPC, version 1.45.0, which are stable, and ours beside them.

They are written out: the package that has them as constants comes with the SDK, and its newest names change.
"""

from __future__ import annotations

from pygorums.base.errors import QuorumCallError, StatusError
from pygorums.base.outcome import status_name

__all__ = [
    "CALL_TYPE",
    "CLIENT_ADDRESS",
    "CLIENT_DURATION",
    "CLIENT_PORT",
    "ERROR_TYPE",
    "GORUMS",
    "METHOD",
    "NODES",
    "NODE_AWAITED",
    "NODE_ID",
    "SCHEMA",
    "SERVER_ADDRESS",
    "SERVER_DURATION",
    "SERVER_PORT",
    "STATUS_CODE",
    "SYSTEM",
    "error_type",
    "is_server_error",
    "method_name",
]

SCHEMA = "https://opentelemetry.io/schemas/1.45.0"

SYSTEM = "rpc.system.name"
GORUMS = "gorums"
"""The value of `SYSTEM`: the streams are gRPC's, the calls on them are not."""
METHOD = "rpc.method"
STATUS_CODE = "rpc.response.status_code"
ERROR_TYPE = "error.type"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
CLIENT_ADDRESS = "client.address"
CLIENT_PORT = "client.port"
CLIENT_DURATION = "rpc.client.call.duration"
SERVER_DURATION = "rpc.server.call.duration"

CALL_TYPE = "pygorums.call_type"
"""How the method is called: ``rpc``, ``quorum call``, ``multicast``, …"""
NODES = "pygorums.nodes"
"""How many nodes were called."""
NODE_ID = "pygorums.node.id"
NODE_AWAITED = "pygorums.node.awaited"
"""False where the call was over before the node had answered."""

_SERVER_ERRORS = frozenset(
    ("UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS")  # as for gRPC
)


def method_name(name: str) -> str:
    """``package.Service/Method`` of a full name with dots."""
    service, _, method = name.rpartition(".")
    return f"{service}/{method}" if service else method


def is_server_error(status: str) -> bool:
    """Whether a status is the server's fault: others are what it has to say to the client."""
    return status in _SERVER_ERRORS


def error_type(error: BaseException) -> str:
    """What kind of error it is: the status, or the class where it is none of ours."""
    if isinstance(error, StatusError | QuorumCallError) or not isinstance(error, Exception):
        return status_name(error)
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
