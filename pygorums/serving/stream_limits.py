"""How many streams a server has, in all and from one address."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

import grpc

from pygorums.base.errors import StatusError

__all__ = ["StreamLimits"]


class StreamLimits:
    """Counts streams and refuses those that are too many. A stream counts from its arrival, before it is judged.

    Args:
        most: How many there may be.
        most_by_address: How many of them may come from one address.
    """

    def __init__(self, most: int, most_by_address: int) -> None:
        self._most = most
        self._most_by_address = most_by_address
        self._count = 0
        self._by_address: dict[str, int] = {}

    def enter(self, address: str, *, instead: bool = False) -> str:
        """A stream arrives from ``host:port``.

        Args:
            address: The same.
            instead: Whether it takes the place of another one, so that there are no more than before in a moment.

        Returns:
            What to give to `leave` when it has ended.

        Raises:
            StatusError: RESOURCE_EXHAUSTED, it is one too many.
        """
        origin = _origin(address)
        if self._count >= self._most and not instead:
            raise StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, f"this server has {_streams(self._count)} already")
        own = self._by_address.get(origin, 0)
        if own >= self._most_by_address and not instead:
            text = f"this server has {_streams(own)} from {origin} already"
            raise StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, text)
        self._count += 1
        self._by_address[origin] = own + 1
        return origin

    def leave(self, origin: str) -> None:
        """A stream has ended."""
        self._count -= 1
        self._by_address[origin] -= 1
        if not self._by_address[origin]:
            del self._by_address[origin]


def _streams(count: int) -> str:
    return "1 stream" if count == 1 else f"{count} streams"


def _origin(address: str) -> str:
    """Who has a stream: its host; of IPv6 the network, of which a single machine has all the addresses it likes."""
    host = address.rpartition(":")[0].strip("[]").partition("%")[0]
    try:
        parsed = ip_address(host)
    except ValueError:
        return host or address
    if not isinstance(parsed, IPv6Address):
        return host
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
