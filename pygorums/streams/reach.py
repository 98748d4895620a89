"""Whether a node can be reached, and whether calls to it wait for that or fail at once.

    CONNECTING   calls queue up: this is the first attempt, or the first after a break
    CONNECTED    the stream stands; calls leave
    DRAINED      it stands until what is under way is answered; the node takes no more calls, so they fail at once
    DOWN         an attempt has failed: calls fail at once, and further attempts are made in the background
    HOPING       as CONNECTING, but only for a moment: the node was down, and is tried again
    CLOSED       calls fail, for good

                       it stands                    it breaks
    CONNECTING, HOPING, DOWN  ->  CONNECTED,  CONNECTED  ->  CONNECTING
                       it fails, or takes long      an attempt begins
    CONNECTING, HOPING        ->  DOWN,       DOWN       ->  HOPING

                       the node says so             it ends
    CONNECTED                 ->  DRAINED,    DRAINED    ->  DOWN

An attempt begins when the wait is over, when there is news of the node, or because of a call, unless there was one a
moment ago.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable

from pygorums.base.errors import StatusError
from pygorums.streams.pause import Pause

__all__ = ["Reach", "State"]

CALLS_APART = 1.0
"""Seconds, at least, between attempts that are made because somebody calls a node that is down."""

HOPE = 0.5
"""Seconds that calls to a node which is down wait for an attempt to reach it."""


class State(enum.Enum):
    """What is known of a node."""

    CONNECTING = enum.auto()
    CONNECTED = enum.auto()
    DRAINED = enum.auto()
    DOWN = enum.auto()
    HOPING = enum.auto()
    CLOSED = enum.auto()


class Reach:
    """What is known of one node.

    Args:
        initial: Seconds of the first wait between two attempts.
        on_no_hope: Called when calls have waited long enough for a node that was down, with why it was.

    Attributes:
        state: What is known.
        refusal: What calls fail with, if they do in this state.
        pause: The wait between two attempts.
    """

    def __init__(self, initial: float, on_no_hope: Callable[[StatusError], None]) -> None:
        self._initial = initial
        self._on_no_hope = on_no_hope
        self._loop = asyncio.get_running_loop()
        self._hope: asyncio.TimerHandle | None = None  # ends it
        self.state = State.CONNECTING
        self.refusal: StatusError | None = None
        self.pause = Pause()

    def enter(self, state: State, refusal: StatusError | None = None) -> None:
        """More is known. Nothing follows on being closed."""
        if self._hope is not None and state is not State.HOPING:
            self._hope.cancel()
            self._hope = None
        if self.state is not State.CLOSED:
            self.state, self.refusal = state, refusal

    def expect(self) -> None:
        """The node is tried, or will be in a moment: if it was down, calls wait for what becomes of that."""
        error = self.refusal
        if self.state is State.DOWN and error is not None:
            self._hope = self._loop.call_later(HOPE, self._on_no_hope, error)
            self.enter(State.HOPING)

    def tries_now(self) -> bool:
        """Whether an attempt to reach a node that is down begins because of a call, which then waits for it."""
        if self.state is State.CLOSED or not self.pause.hasten(max(CALLS_APART, self._initial)):
            return False
        self.expect()
        return True

    def hasten(self, *, new: bool) -> None:
        """The node is there: an attempt to reach it does not wait for its time, or not for long if that is no news."""
        if self.pause.hasten(self._initial if new else max(CALLS_APART, self._initial)) or new:
            self.expect()
