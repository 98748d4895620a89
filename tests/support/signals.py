"""Signals that whoever started the suite has ignored or blocked, as `nohup`, `&` in a script and some CI do.

Processes inherit that: Python then raises no KeyboardInterrupt, here or in the programs that tests start and
interrupt.
"""

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

__all__ = ["HeardSignals"]

_TESTED = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class HeardSignals:
    """Has the signals that tests send heard again, in this process and in those that it starts."""

    def __init__(self) -> None:
        self._ignored: list[signal.Signals] = []
        self._blocked: set[signal.Signals] = set()

    def listen(self) -> None:
        """Begin. Call it in the main thread."""
        self._blocked = unblock(_TESTED)
        for number in _TESTED:
            if signal.getsignal(number) == signal.SIG_IGN:
                self._ignored.append(number)
                signal.signal(number, _handler_of(number))

    def undo(self) -> None:
        """Ignore and block again what was ignored and blocked."""
        for number in self._ignored:
            signal.signal(number, signal.SIG_IGN)
        self._ignored.clear()
        if self._blocked:
            signal.pthread_sigmask(signal.SIG_BLOCK, self._blocked)
            self._blocked = set()


def unblock(numbers: tuple[signal.Signals, ...]) -> set[signal.Signals]:
    """Take signals out of this thread's mask; those that were in it."""
    if not hasattr(signal, "pthread_sigmask"):
        return set()
    before = signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
    return {number for number in numbers if number in before}


def _handler_of(number: signal.Signals) -> Callable[[int, FrameType | None], Any]:
    # Tests interrupt this process itself. It goes on to ignore the others, though in a way that is not inherited.
    return signal.default_int_handler if number == signal.SIGINT else lambda _, __: None
