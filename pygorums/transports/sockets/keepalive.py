"""Pings, so that a peer which is frozen or cut off is noticed though nothing is under way."""

from __future__ import annotations

import asyncio

from pygorums.transports.sockets.connection import SocketConnection
from pygorums.transports.sockets.options import Pings

__all__ = ["Keepalive"]

LOOKS = 4
"""How often is looked for the answer: while this process is held up itself, nobody reads what has come."""

_PAYLOAD = b"pygorums"


class Keepalive:
    """Watches one connection until stopped, and ends it if nothing comes after a ping. Any byte is a sign of life."""

    def __init__(self, connection: SocketConnection, pings: Pings) -> None:
        self._connection = connection
        self._pings = pings
        self._loop = asyncio.get_running_loop()
        self._heard_at = 0.0  # as it was when the ping was sent
        self._looks = 0
        self._timer = self._loop.call_later(pings.every, self._look)

    def stop(self) -> None:
        """Watch no more."""
        self._timer.cancel()

    def _look(self) -> None:
        heard_at = self._connection.http2.last_received or 0.0
        now = self._loop.time()
        wait = heard_at + self._pings.every - now
        if self._looks and heard_at == self._heard_at:
            self._looks += 1
            if self._looks > LOOKS:
                silence = now - heard_at
                self._connection.lose(f"ping timeout: nothing has come for {silence:.3g} s")
                return
            wait = self._pings.patience / LOOKS
        elif wait <= 0:
            self._heard_at = heard_at
            self._looks = 1
            self._connection.http2.ping(_PAYLOAD)
            self._connection.flush()
            wait = self._pings.patience / LOOKS
        else:
            self._looks = 0
        self._timer = self._loop.call_later(wait, self._look)
