"""What a user says of sessions."""

from __future__ import annotations

from dataclasses import dataclass

from pygorums.base.errors import ConfigurationError

__all__ = ["DEFAULT_SESSION", "Session", "checked_count", "checked_seconds", "checked_session"]


@dataclass(frozen=True, slots=True)
class Session:
    """How a configuration keeps its sessions with its nodes.

    In a session both ends count the messages that they have taken, and tell each other when a broken connection is
    replaced: so every message is handled once and in order, as long as both processes live. That is so by default; give
    one to have calls wait for a node that cannot be reached. Nodes that are not pygorums have no sessions.

    Args:
        keep: Seconds for which calls wait for a node that cannot be reached after its connection broke. 0 tells them at
            the first attempt that fails: `OutcomeUnknownError` if they had left, `StreamDownError` if not.

    Raises:
        ConfigurationError: `keep` is not a number of seconds from 0.
    """

    keep: float = 0.0

    def __post_init__(self) -> None:
        checked_seconds("keep", self.keep)


def checked_seconds(name: str, value: object) -> float:
    """What was given for a time.

    Raises:
        ConfigurationError: It is not a number of seconds from 0.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise ConfigurationError(f"{name} must be a number of seconds from 0, not {value!r}")
    return value


def checked_count(name: str, value: object) -> int:
    """What was given for how many there may be.

    Raises:
        ConfigurationError: It is not a whole number from 0.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigurationError(f"{name} must be a whole number from 0, not {value!r}")
    return value


DEFAULT_SESSION = Session()
"""What holds where nobody says anything else."""


def checked_session(session: object) -> Session | None:
    """What was given for a session.

    Raises:
        ConfigurationError: It is neither a `Session` nor None.
    """
    if session is None or isinstance(session, Session):
        return session
    raise ConfigurationError(f"session must be a pygorums.Session, or None for no sessions, not {session!r}")
