"""Whom the frames belong to that wait to be sent."""

from __future__ import annotations

from typing import Protocol

__all__ = ["CANCELLATION", "IGNORED", "UNOWNED", "Outgoing"]


class Outgoing(Protocol):
    """A call that a queued frame belongs to."""

    @property
    def one_way(self) -> bool:
        """Whether it wants to be told what became of the frame. Other calls learn that from their replies."""

    @property
    def withdrawn(self) -> bool:
        """Whether the frame need not be sent any more."""

    def sent(self, node_id: int, /) -> None:
        """The transport has taken the frame."""

    def fail(self, node_id: int, error: Exception, /) -> None:
        """The frame was not sent."""


class _Unowned:
    one_way = withdrawn = False

    def sent(self, node_id: int, /) -> None: ...

    def fail(self, node_id: int, error: Exception, /) -> None: ...


UNOWNED: Outgoing = _Unowned()
"""The owner of frames that nobody asks after."""


class _Ignored:
    one_way = True
    withdrawn = False

    def sent(self, node_id: int, /) -> None: ...

    def fail(self, node_id: int, error: Exception, /) -> None: ...


IGNORED: Outgoing = _Ignored()
"""The owner of one-way messages whose senders do not ask what becomes of them. They go where the others go."""

CANCELLATION: Outgoing = _Unowned()
"""The owner of the frames that tell that calls were given up."""
