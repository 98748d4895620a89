"""What a user says of sessions."""

from __future__ import annotations

from dataclasses import dataclass

from pygorums.base.errors import ConfigurationError

__all__ = ["DEFAULT_SESSION", "Session", "checked_session"]


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
        if isinstance(self.keep, bool) or not isinstance(self.keep, int | float) or not self.keep >= 0:
            raise ConfigurationError(f"keep must be a number of seconds from 0, not {self.keep!r}")


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
