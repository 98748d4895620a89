"""The side of a stream that its user is told from, whoever carries it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from pygorums.base.errors import StatusError
from pygorums.transports.interface import StreamUser
from pygorums.wire.handshake import Pairs

__all__ = ["Telling"]


class Telling:
    """Tells a user what a stream has for it, and keeps what it does not want to be told yet."""

    __slots__ = ("_end", "_held", "_metadata", "_paused", "_user", "when_kept")

    def __init__(self) -> None:
        self.when_kept: Callable[[int], None] | None = None
        self._user: StreamUser | None = None
        self._paused = False
        self._metadata: Pairs | None = None  # of the acceptor, until the user knows them
        self._held: list[bytes] = []  # messages that the user has not been told
        self._end: list[StatusError | None] = []  # what it is to be told after them

    def use(self, user: StreamUser, /) -> None:
        """Tell this user from now on."""
        self._user = user
        if self._metadata is not None:
            user.answered(self._metadata)
        if self._held or self._end:
            asyncio.get_running_loop().call_soon(self.tell_on)

    def pause(self) -> None:
        """Tell of no more messages for now."""
        self._paused = True

    def resume(self) -> None:
        """Tell of messages again."""
        self._paused = False
        if self._held or self._end:
            asyncio.get_running_loop().call_soon(self.tell_on)

    def tell_answered(self, metadata: Pairs) -> None:
        """The acceptor's metadata have come."""
        if self._user is None:
            self._metadata = metadata
        else:
            self._user.answered(metadata)

    def tell(self, messages: Sequence[bytes]) -> bool:
        """Messages have come; whether the user has got them. If not they are kept."""
        user = self._user
        if user is None or self._paused or self._held:
            self._held += messages
            return False
        user.received(messages)
        return True

    def tell_on(self) -> None:
        """Tell what has been kept, if the user wants to know by now."""
        user = self._user
        if user is None or self._paused:
            return
        if self._held:
            messages, self._held = self._held, []
            user.received(messages)
            self.told()
        self._tell_end()

    def told(self) -> None:
        """What was kept has been told."""

    def tell_end(self, error: StatusError | None) -> None:
        """Nothing more comes, after what has come before."""
        self._end.append(error)
        self._tell_end()

    def tell_end_now(self, error: StatusError) -> None:
        """The stream is over, whatever else the user has not been told."""
        self._held = []
        self._end = [error]
        self._tell_end()

    def _tell_end(self) -> None:
        while self._user is not None and self._end and not self._held:
            self._user.ended(self._end.pop(0))

    def forget(self) -> None:
        """Tell nothing more."""
        self._user = None
        self._held = []
        self._end = []
