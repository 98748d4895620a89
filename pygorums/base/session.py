"""What a user says of sessions."""

from __future__ import annotations

from dataclasses import dataclass

from pygorums.base.errors import ConfigurationError

__all__ = ["Session"]


@dataclass(frozen=True, slots=True)
class Session:
    """How a configuration keeps its sessions with its nodes.

    In a session both ends count the messages that they have taken, and tell each other when a broken connection is
    replaced: so every message is handled once and in order, as long as both processes live.

    Args:
        keep: Seconds for which calls wait for a node that cannot be reached after its connection broke. 0 tells them at
            the first attempt that fails: `OutcomeUnknownError` if they had left, `StreamDownError` if not.

    Raises:
        ConfigurationError: `keep` is negative.
    """

    keep: float = 0.0

    def __post_init__(self) -> None:
        if not self.keep >= 0:
            raise ConfigurationError(f"keep must be a number of seconds from 0, not {self.keep!r}")
