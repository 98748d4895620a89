"""A server whose client has said hello."""

from __future__ import annotations

from pygorums.transports.http2.limits import Limits
from pygorums.transports.http2.server import ServerConnection
from tests.unit.transports.http2.raw import (
    ACK,
    PATH,
    PREFACE,
    frame,
    receive,
    setting,
)

__all__ = ["opened"]


def opened(limits: Limits | None = None) -> ServerConnection:
    server = ServerConnection({PATH}, limits=limits or Limits())
    receive(server, PREFACE, setting(), frame(4, ACK))
    return server
