"""The opener's half of a session."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Generic, TypeVar

from pygorums.sessions.hello import Confirmation, Hello
from pygorums.sessions.kept import Kept

__all__ = ["OpenerHalf", "Verdict"]

T = TypeVar("T")


class Verdict(enum.Enum):
    """What an answer means for the session."""

    BEGUN = enum.auto()
    """It begins: nothing was written in it."""

    RESUMED = enum.auto()
    """It goes on."""

    LOST = enum.auto()
    """What was written and not answered may be handled or not. Another one has begun."""

    NONE = enum.auto()
    """There is none on this stream."""


class OpenerHalf(Generic[T]):
    """Counts for the end that opens the streams, and judges what the other end says.

    Nothing is written on a stream before it is known whether it is one of a session. So what no acceptor has confirmed
    was never written, and a lost session is known by its token alone.

    Args:
        limit: How many bytes are kept until they are acknowledged.
        new_id: Gives random IDs.

    Attributes:
        kept: What was written and is not acknowledged.
        taken: How many of the acceptor's messages were taken.
        active: Whether the stream that is used now is one of the session.
    """

    def __init__(self, limit: int, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._id = new_id()
        self._attempts = 0
        self._token: str | None = None
        self.kept: Kept[T] = Kept(limit)
        self.taken = 0
        self.active = False

    @property
    def known(self) -> bool:
        """Whether there is a session that may go on: an acceptor has confirmed it, and nobody has ended it."""
        return self._token is not None

    def hello(self, credit: int | None = None) -> Hello:
        """What to say on a new stream, for which there is so much room. What comes on an older one counts no more."""
        self._attempts += 1
        self.active = False
        return Hello(self._id, self._attempts, self._token, self.taken, credit)

    def judge(self, answer: Confirmation | None) -> tuple[Verdict, list[bytes], list[T]]:
        """What the answer to the last hello means, None if it confirms nothing; and what was written in vain.

        If the session goes on, that is to be written again on this stream, before what is new. If it is lost, the
        answer may be that it was handled, all that was acknowledged included.
        """
        if answer is None:
            return (Verdict.LOST if self.known else Verdict.NONE), *self.end()
        known, self._token = self._token, answer.token
        self.active = True
        if known == answer.token:
            again = self.kept.resume(answer.taken)
            if again is not None:
                return Verdict.RESUMED, *again
            # It keeps nothing of what was dropped here. Its half is of no use: the next stream gets another one.
            self.active = False
            return Verdict.LOST, *self.end()
        self.taken = 0
        frames, owners = self.kept.restart()
        return (Verdict.BEGUN if known is None else Verdict.LOST), frames, owners

    def end(self) -> tuple[list[bytes], list[T]]:
        """The session is over; what was written and is not acknowledged. The next stream begins another one."""
        if self.known or self._attempts > 1:
            self._id = self._new_id()
            self._attempts = 0
        self._token = None
        self.taken = 0
        self.active = False
        return self.kept.restart()
