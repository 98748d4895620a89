"""How many bytes a server holds for its clients, all together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import grpc

from pygorums.base.errors import StatusError

__all__ = ["Holder", "Holdings"]


class Holder(Protocol):
    """What is held for one stream."""

    @property
    def held_bytes(self) -> int:
        """The bytes of its requests that wait or are handled, and of its replies that are not written."""


class Holdings:
    """Ends the streams for which most is held when all together are too much.

    Each stream has bounds of its own, at which its client is braked; but many clients, or one that opens many streams,
    could hold so much for each. Those for which little is held do not notice.

    Args:
        limit: Bytes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._streams: dict[Holder, tuple[int, Callable[[StatusError], None]]] = {}
        self._total = 0  # of what was last known of each

    def enter(self, stream: Holder, end: Callable[[StatusError], None]) -> None:
        """Count what is held for a stream.

        Args:
            stream: The stream.
            end: Ends it.
        """
        self._streams[stream] = (0, end)

    def leave(self, stream: Holder) -> None:
        """A stream has ended, and with it all that was held for it."""
        known, _ = self._streams.pop(stream, (0, None))
        self._total -= known

    def changed(self, stream: Holder) -> None:
        """More, or less, is held for a stream than when this was last called."""
        if stream not in self._streams:
            return  # it has been ended
        self._note(stream)
        if self._total <= self._limit:
            return
        for each in self._streams:
            self._note(each)  # some hold less meanwhile
        while self._total > self._limit and self._streams:
            greediest = max(self._streams, key=lambda each: self._streams[each][0])
            held, end = self._streams[greediest]
            self.leave(greediest)
            text = (
                f"{held} bytes were held for this stream, the most of all, and for all together more than {self._limit}"
            )
            end(StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, text))

    def _note(self, stream: Holder) -> None:
        known, end = self._streams[stream]
        held = stream.held_bytes
        self._streams[stream] = (held, end)
        self._total += held - known
