"""What gRPC has to be given so that its pings are as the options say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["TCP_TIMEOUT_MS", "with_keepalive"]

TCP_TIMEOUT_MS = 900_000
"""How long the other side's kernel may take nothing more. gRPC gives the kernel its timeout of pings for that; but
where much is buffered on a slow way, as in a proxy, seconds may pass until there is room again."""


def with_keepalive(options: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Options by name; with those that gRPC needs besides, if it is to send pings.

    How long the answer to a ping may take is the option of HTTP/2 alone. The other one, in spite of its name, gRPC
    gives to the kernel, as the time for which a peer may take nothing.
    """
    values = dict(options)
    if "grpc.keepalive_time_ms" in values:
        values["grpc.keepalive_timeout_ms"] = TCP_TIMEOUT_MS
        values.setdefault("grpc.http2.max_pings_without_data", 0)
    return values
