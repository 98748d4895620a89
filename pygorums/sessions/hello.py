"""What the two ends of a session tell each other in the metadata of a stream, as docs/wire.md has it.

Whatever cannot be read is as if it had not been said: a peer gets the protocol without sessions then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["SESSION_KEY", "Confirmation", "Hello", "session_value"]

SESSION_KEY = "pygorums-session"

_ID = "[0-9a-f]{32}"
_NUMBER = "[0-9]{1,20}"
_MORE = rf"(?: ({_NUMBER})(?![^ ]))?(?: [\x20-\x7e]*)?"
_HELLO = re.compile(rf"1 ({_ID}) ({_NUMBER}) (-|{_ID}) ({_NUMBER}){_MORE}")
_CONFIRMATION = re.compile(rf"1 ({_ID}) ({_NUMBER}){_MORE}")

_LONGEST = 1000
"""Characters that are looked at."""

_MOST = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Hello:
    """What an opener says.

    Attributes:
        session: The session's random ID, a secret of its opener and those it connects to.
        attempt: The how many-th stream of this session it is, from 1.
        token: That of the acceptor's half that it knows; None if it knows none.
        received: How many messages of that half it has taken.
        credit: How many bytes of messages beyond those may be sent to it, if that has a bound.
    """

    session: str
    attempt: int
    token: str | None
    received: int
    credit: int | None = None

    def __str__(self) -> str:
        return f"1 {self.session} {self.attempt} {self.token or '-'} {self.received}{_more(self.credit)}"

    @classmethod
    def parse(cls, value: str | None) -> Hello | None:
        """What an opener has said; None if that is no hello of a version that we know."""
        match = None if value is None or len(value) > _LONGEST else _HELLO.fullmatch(value)
        if match is None:
            return None
        session, attempt, token, received, credit = match.groups()
        if not 0 < int(attempt) <= _MOST or int(received) > _MOST:
            return None
        return cls(session, int(attempt), None if token == "-" else token, int(received), _number(credit))


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What an acceptor answers.

    Attributes:
        token: Of its half of the session, made anew with each half.
        taken: How many messages it has taken in it.
        credit: How many bytes of messages beyond those may be sent to it, if that has a bound.
    """

    token: str
    taken: int
    credit: int | None = None

    def __str__(self) -> str:
        return f"1 {self.token} {self.taken}{_more(self.credit)}"

    @classmethod
    def parse(cls, value: str | None) -> Confirmation | None:
        """What an acceptor has said; None if that is no confirmation of a version that we know."""
        match = None if value is None or len(value) > _LONGEST else _CONFIRMATION.fullmatch(value)
        if match is None or int(match[2]) > _MOST:
            return None
        return cls(match[1], int(match[2]), _number(match[3]))


def _more(credit: int | None) -> str:
    return "" if credit is None else f" {credit}"


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def session_value(metadata: Iterable[tuple[str, str | bytes]]) -> str | None:
    """What the other end says of a session, if it says it once."""
    values = [value for key, value in metadata if key == SESSION_KEY and isinstance(value, str)]
    return values[0] if len(values) == 1 else None
