"""What gRPC says of streams that ended, as errors that name the other side."""

from __future__ import annotations

import re
from urllib.parse import unquote

import grpc.aio

from pygorums.base.errors import StatusError, StreamDownError
from pygorums.transports.interface import ConnectionLostError

__all__ = ["in_short", "status_of"]

_WRITE_FAILED = "Internal error from Core"
"""What grpc.aio says if a stream breaks during a write. It calls that INTERNAL, which hides the real status."""

_CONNECTION_BROKE = ("Socket closed", "recvmsg:", "sendmsg:", "Connection reset", "Broken pipe", "ping timeout")
"""What gRPC says of a stream whose connection broke. It says UNAVAILABLE as well if the other side did."""

_OWN_LIMIT = re.compile(r"CLIENT: (Received message larger than max \(.*?\))")
"""What gRPC says of a stream that it has ended itself, because of what came."""

_NOT_CONNECTED = re.compile(
    r"failed to connect to all addresses; last error: \w+: (?:ipv[46]:)?(\S+): "
    r"(?:Failed to connect to remote host: )?(.+)"
)
"""What gRPC says if there is no connection: the last of the addresses that a name stands for, and what happened."""


def in_short(details: str, address: str) -> str:
    """What gRPC says of an address, without naming it again."""
    if (found := _NOT_CONNECTED.match(details)) is None:
        return details.replace(f"errors resolving {address}: ", "cannot look it up: ").replace(
            f" for {address}: ", ": "
        )
    at = unquote(found[1])
    return f"cannot connect: {found[2]}" if at == address else f"cannot connect to {at}: {found[2]}"


def status_of(raised: Exception, address: str) -> StatusError:
    """What a call of gRPC has raised, as an error that names the address."""
    if isinstance(raised, StatusError):
        return raised
    if not isinstance(raised, grpc.aio.AioRpcError):
        # A call that is over raises several things, all of which mean the same.
        return StreamDownError(f"the stream to {address} is down")
    code, details = raised.code(), raised.details() or ""
    if details == _WRITE_FAILED:
        return ConnectionLostError(f"the stream to {address} broke")
    if code is grpc.StatusCode.UNAVAILABLE and any(sign in details for sign in _CONNECTION_BROKE):
        return ConnectionLostError(f"{address}: {in_short(details, address)}")
    if code is grpc.StatusCode.UNAVAILABLE:
        return StreamDownError(f"{address}: {in_short(details, address) or 'unavailable'}")
    if code in (grpc.StatusCode.CANCELLED, grpc.StatusCode.OK):
        return StreamDownError(f"the stream to {address} was ended: {raised.details() or code.name}")
    if own := _OWN_LIMIT.search(details):
        hint = "raise grpc.max_receive_message_length here to take it"
        return StatusError(code, f"the stream to {address} had to be ended: {own[1]}; {hint}")
    return StatusError(code, f"{address} ended the stream: {details}")
