"""How streams end, in words that name the other side."""

from __future__ import annotations

import grpc

from pygorums.base.errors import StatusError, StreamDownError
from pygorums.transports.http2.events import StreamEnded
from pygorums.transports.http2.status import Code
from pygorums.transports.interface import ConnectionLostError

__all__ = ["error_of"]

_CODES = {code.value[0]: code for code in grpc.StatusCode}


def error_of(event: StreamEnded, name: str, broken: str | None) -> StatusError:
    """Why a stream has ended.

    Args:
        event: Its end.
        name: What to call the other side.
        broken: Why the connection has ended, if it has.
    """
    code, message = event.status
    if broken is not None:
        return ConnectionLostError(f"{name}: {broken}")
    if event.refused:
        hint = "; raise grpc.max_receive_message_length here to take it" if code is Code.RESOURCE_EXHAUSTED else ""
        return StatusError(_CODES[code], f"the stream to {name} had to be ended: {message}{hint}")
    if code is Code.UNAVAILABLE:
        return StreamDownError(f"{name}: {message or 'unavailable'}")
    if code in (Code.CANCELLED, Code.OK):
        return StreamDownError(f"the stream to {name} was ended: {message or code.name}")
    return StatusError(_CODES[code], f"{name} ended the stream: {message}")
