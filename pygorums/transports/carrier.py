"""What carries the streams of a part of a program, where it is no transport that users choose: a simulated network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Protocol

from pygorums.transports.interface import Connector
from pygorums.transports.listener import Listener

__all__ = ["CARRIER", "Carrier", "inline"]


class Carrier(Protocol):
    """Opens and accepts streams."""

    def connectors(self, credentials: object, options: Mapping[str, Any], /) -> Callable[[str], Connector]:
        """What makes, for an address, what opens streams to it.

        Raises:
            ConfigurationError: With such credentials or options it cannot.
        """

    def listener(self, options: Mapping[str, Any], /) -> Listener:
        """What accepts streams."""


CARRIER: ContextVar[Carrier | None] = ContextVar("pygorums_carrier", default=None)
"""What carries the streams of who runs in this context; None for what was chosen."""


def inline() -> bool:
    """Whether plain functions are called where they are, and not in threads: a simulation has none."""
    return CARRIER.get() is not None
