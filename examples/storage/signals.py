"""Signals as callbacks of the event loop."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

__all__ = ["on_signals"]


@contextmanager
def on_signals(callback: Callable[[], object], *signals: signal.Signals) -> Iterator[None]:
    """Have the running loop call `callback` for any of `signals` while the context lasts.

    Where event loops have no signal handlers (Windows), the signals keep their meaning.
    """
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in signals}
    with suppress(NotImplementedError):
        for number in signals:
            loop.add_signal_handler(number, callback)
    try:
        yield
    finally:
        with suppress(NotImplementedError):
            for number, handler in before.items():
                loop.remove_signal_handler(number)
                # The loop would put Python's default there, and not asyncio.run's own handler of Ctrl-C.
                signal.signal(number, handler)
