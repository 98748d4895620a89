"""What a stream receives, taken in turns of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

from pygorums.base.errors import StatusError
from pygorums.transports.interface import Transport

__all__ = ["Intake"]


class Intake:
    """Takes messages in steps, and pauses the stream where they are too many for one turn, or must wait.

    Args:
        transport: The stream.
        steps: Takes messages as far as it is asked to: gives how many each step was.
        brake: Called after each step; whether no further one is to be taken until `go_on` is called.
        failed: Told what a step has raised. The rest is dropped then.
        ended: Told the end of the stream, once all that came before is taken.
        together: How many messages are taken before others have their turn.
    """

    def __init__(
        self,
        transport: Transport,
        steps: Callable[[Sequence[bytes]], Iterator[int]],
        *,
        brake: Callable[[], bool],
        failed: Callable[[StatusError], None],
        ended: Callable[[StatusError | None], None],
        together: int,
    ) -> None:
        self._transport = transport
        self._steps = steps
        self._brake = brake
        self._failed = failed
        self._ended = ended
        self._together = together
        self._work: Iterator[int] | None = None  # what is left of what came
        self._end: list[StatusError | None] = []

    def take(self, messages: Sequence[bytes]) -> None:
        """Take what has come."""
        self._run(self._steps(messages))

    def hold(self) -> None:
        """Take no further messages until `go_on` is called; for who has taken some itself, and has braked."""
        self._hold(iter(()))

    def end(self, error: StatusError | None) -> None:
        """Nothing more comes."""
        if self._work is None:
            self._ended(error)
        else:
            self._end.append(error)

    def go_on(self) -> None:
        """Go on where it was braked."""
        work, self._work = self._work, None
        if work is None:
            return
        self._run(work)
        if self._work is None:
            self._transport.resume()
            while self._end:
                self._ended(self._end.pop(0))

    def drop(self) -> None:
        """Take nothing more of what has come."""
        self._work = None
        self._end.clear()

    def _run(self, work: Iterator[int]) -> None:
        count = 0
        try:
            for taken in work:
                count += taken
                if self._brake():
                    self._hold(work)
                    return
                if count >= self._together:
                    self._hold(work)
                    # What was woken has its turn before.
                    asyncio.get_running_loop().call_soon(self.go_on)
                    return
        except StatusError as error:
            self._failed(error)

    def _hold(self, work: Iterator[int]) -> None:
        self._work = work
        self._transport.pause()
