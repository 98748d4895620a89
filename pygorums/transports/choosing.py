"""Which transport carries the streams of a configuration or a server."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from typing import Any, Literal

from pygorums.base.errors import ConfigurationError

__all__ = ["TransportName", "Which", "choose"]

TransportName = Literal["auto", "asyncio", "grpc"]
"""What users may ask for."""

Which = Literal["asyncio", "grpc"]
"""What there is."""

VARIABLE = "PYGORUMS_TRANSPORT"
"""The variable of the environment that says what is used where a program does not."""

DEFAULT: TransportName = "grpc"

_KNOWN = frozenset(
    (
        "grpc.default_authority",
        "grpc.http2.max_pings_without_data",
        "grpc.http2.ping_timeout_ms",
        "grpc.keepalive_permit_without_calls",
        "grpc.keepalive_time_ms",
        "grpc.keepalive_timeout_ms",
        "grpc.max_concurrent_streams",
        "grpc.max_metadata_size",
        "grpc.max_receive_message_length",
        "grpc.max_send_message_length",
        "grpc.primary_user_agent",
        "grpc.so_reuseport",
        "grpc.ssl_target_name_override",
    )
)
"""The options of gRPC that mean the same on both."""


def choose(
    wanted: TransportName | None, credentials: object, options: Mapping[str, Any], *, only_grpc: str = ""
) -> Which:
    """Decide which transport is used.

    Args:
        wanted: What was asked for; None if nothing was.
        credentials: For TLS: an `ssl.SSLContext`, or those of gRPC; None for plain text.
        options: gRPC's options that were given, by name.
        only_grpc: What else was asked for that only gRPC has, in words.

    Raises:
        ConfigurationError: What was asked for cannot do what was asked for, or there is no such transport.
    """
    if wanted not in (None, "auto", "asyncio", "grpc"):
        raise ConfigurationError(f"there is no transport {wanted!r}: there are 'auto', 'asyncio' and 'grpc'")
    ours = isinstance(credentials, ssl.SSLContext)
    obstacle = only_grpc
    if not obstacle and credentials is not None and not ours:
        obstacle = f"credentials of gRPC ({type(credentials).__name__}); give it an ssl.SSLContext"
    if not obstacle and (unknown := sorted(options.keys() - _KNOWN)):
        obstacle = f"the option {unknown[0]}"
    if wanted == "asyncio":
        if obstacle:
            raise ConfigurationError(f"the asyncio transport cannot use {obstacle}, or use transport='grpc'")
        return "asyncio"
    if wanted == "grpc":
        if ours:
            raise ConfigurationError(
                "the grpc transport cannot use an ssl.SSLContext; give it credentials of gRPC, or use "
                "transport='asyncio'"
            )
        return "grpc"
    if wanted is None and not ours and _preferred() == "grpc":
        return "grpc"
    if not obstacle:
        return "asyncio"
    if ours:
        raise ConfigurationError(f"with an ssl.SSLContext there cannot be {obstacle}: only the grpc transport has that")
    return "grpc"


def _preferred() -> TransportName:
    """What is used where a program does not say. It is a wish: what only gRPC can do is done by gRPC."""
    named = os.environ.get(VARIABLE, "")
    if named in ("auto", "asyncio", "grpc"):
        return named  # type: ignore[return-value]  # which it is
    if named:
        raise ConfigurationError(f"{VARIABLE} is {named!r}: there are 'auto', 'asyncio' and 'grpc'")
    return DEFAULT
