"""What carries the streams below pygorums, at clients and servers: chosen by name."""

import os
from typing import Any

__all__ = ["ENVIRONMENT", "GRPC", "TRANSPORTS", "transport_arguments", "transport_named"]

ENVIRONMENT = "PYGORUMS_TRANSPORT"
"""The environment variable that chooses for whoever says nothing else."""

GRPC = "grpc"

TRANSPORTS = ("asyncio", GRPC, "auto")
"""The names; the last leaves it to pygorums."""


def transport_named(given: str | None) -> str:
    """The transport that a name stands for.

    Args:
        given: The name; None takes that of the environment, or else ``auto``.

    Raises:
        ValueError: There is none such; the text says why.
    """
    name = given or os.environ.get(ENVIRONMENT) or "auto"
    source = "--transport" if given else ENVIRONMENT
    if name not in TRANSPORTS:
        raise ValueError(f"{source}: there is no transport {name!r}, only {', '.join(TRANSPORTS)}")
    if name == "auto":
        return GRPC  # as pygorums does where nobody says anything
    return name


def transport_arguments(transport: str) -> dict[str, Any]:
    """What `connect` and `Server`, also the blocking ones, take to use a transport."""
    return {"transport": transport}
