"""Signs of life on one stream that we have opened: giving them, and watching for those of the node."""

from __future__ import annotations

from collections.abc import Callable

from pygorums.base.errors import StatusError, StreamDownError
from pygorums.streams.heartbeat import Heartbeat, SilenceWatch
from pygorums.streams.send_queue import SendQueue
from pygorums.streams.suspicion import Suspicion

__all__ = ["Vigil"]


class Vigil:
    """Gives the stream up when the node is silent for too long, and says before that when it is suspected.

    Args:
        address: The node's address, for errors.
        queue: By which our own signs are given.
        heard_at: When something was last heard, by the event loop's clock.
        abort: Ends the stream.
        suspect_after: From which level on silence makes the node suspected; None for never.
        on_suspicion: Called with whether it is suspected from now on.
    """

    def __init__(
        self,
        address: str,
        queue: SendQueue,
        heard_at: Callable[[], float],
        abort: Callable[[StatusError], None],
        suspect_after: float | None,
        on_suspicion: Callable[[bool], None],
    ) -> None:
        self._address = address
        self._queue = queue
        self._heard_at = heard_at
        self._abort = abort
        self._suspect_after = suspect_after
        self._on_suspicion = on_suspicion
        self._heart: Heartbeat | None = None
        self._watch: SilenceWatch | None = None
        self.suspicion: Suspicion | None = None

    def begin(self, interval: float | None, wanted: float | None = None) -> None:
        """Watch for a sign every so many seconds, unless that was begun already, and give one as often as `wanted`."""
        if interval is not None and self._watch is None:
            self._watch = SilenceWatch(interval, self._heard_at, self._give_up)
            if self._suspect_after is not None:
                self.suspicion = Suspicion(self._suspect_after, interval, self._heard_at, self._on_suspicion)
        if wanted is not None:
            self._heart = Heartbeat(self._queue, wanted)

    def _give_up(self, silence: float) -> None:
        self._abort(StreamDownError(f"{self._address} has given no sign of life for {silence:.3g} s"))

    def stop(self) -> None:
        """Watch no more."""
        for each in (self._watch, self.suspicion, self._heart):
            if each is not None:
                each.stop()
