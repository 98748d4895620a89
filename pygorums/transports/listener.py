"""What a server listens with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from pygorums.tasks.grace import Grace
from pygorums.transports.interface import AcceptedTransport
from pygorums.wire.handshake import Pairs

__all__ = ["Accept", "Listener"]

Accept = Callable[[AcceptedTransport, Pairs, str, Mapping[str, list[bytes]]], Awaitable[None]]
"""Serves a stream: its end, its opener's metadata and address, and what TLS has proved of that. A `StatusError` that it
raises is what the stream ends with."""


class Listener(Protocol):
    """Listens, and hands each stream on."""

    def serve_with(self, accept: Accept, at_end_of_loop: Callable[[], Awaitable[None]], /) -> None:
        """Say what to do, before it starts.

        Args:
            accept: Serves one stream.
            at_end_of_loop: Stops all there is, if the event loop ends before anybody has done it.
        """

    def bind(self, address: str, credentials: Any, /) -> str:
        """Take an address; the same with the actual port.

        Raises:
            OSError: It cannot be had.
            ConfigurationError: The credentials cannot be used.
        """

    async def start(self) -> None:
        """Serve."""

    async def stop(self, grace: Grace, /) -> None:
        """Refuse new streams, let those that are open end until the grace is over, and end them then."""

    async def abandon(self) -> None:
        """Let go of the address, for want of anything to serve."""
