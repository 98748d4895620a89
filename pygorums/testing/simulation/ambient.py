"""Time, randomness and threads, as code that knows nothing of simulations sees them.

While runs go on in a thread, the functions of `time`, `random`, `os.urandom` and what builds on it give there what the
run has, and elsewhere what they always give. What a simulation has not, threads and sockets for instance, is refused by
name and line. Whoever has imported a function itself before, as by ``from time import time``, has the real one.
"""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import threading
import time
from asyncio import events
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pygorums.testing.simulation.loop import START, SimulatedLoop
from pygorums.transports.carrier import CARRIER

__all__ = ["AuditError", "ambient"]

EPOCH = 1_750_000_000.0
"""What `time.time` says when a run begins."""

_HERE = str(Path(__file__).parents[2])
_LIBRARY = str(Path(os.__file__).parent)


class AuditError(RuntimeError):
    """A scenario used what a simulation cannot have. The text names the line."""


def _wall(loop: SimulatedLoop) -> float:
    process: Any = CARRIER.get()
    return EPOCH + loop.time() - START + (0.0 if process is None else process.host.skew)


@contextmanager
def ambient(entropy: Callable[[], random.Random], audit: Callable[[], bool]) -> Iterator[None]:
    """Have simulated code see the simulation.

    Args:
        entropy: The source of randomness of the run that goes on.
        audit: Whether what a simulation has not is refused in it.
    """
    changed: list[tuple[Any, str, Any]] = []

    def change(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        before = owner.__dict__[name] if isinstance(owner, type) else getattr(owner, name)
        changed.append((owner, name, before))
        setattr(owner, name, make(before))

    def timed(of: Callable[[SimulatedLoop], Any]) -> Callable[[Any], Any]:
        def make(real: Any) -> Any:
            def simulated() -> Any:
                loop = events._get_running_loop()
                return of(loop) if type(loop) is SimulatedLoop else real()

            return simulated

        return make

    def refused(what: str) -> Callable[[Any], Any]:
        def make(real: Any) -> Any:
            def guarded(*args: Any, **kwargs: Any) -> Any:
                loop = events._get_running_loop()
                if type(loop) is SimulatedLoop and audit():
                    error = AuditError(f"{what} in a simulation, at {_line()}")
                    loop.fail(error)
                    raise error
                return real(*args, **kwargs)

            return guarded

        return make

    def urandom(real: Any) -> Any:
        def simulated(size: int) -> bytes:
            if type(events._get_running_loop()) is SimulatedLoop:
                return entropy().randbytes(size)
            return bytes(real(size))

        return simulated

    def seed(real: Any) -> Any:
        def simulated(self: random.Random, a: Any = None, version: int = 2) -> None:
            if a is None and type(events._get_running_loop()) is SimulatedLoop:
                a = entropy().getrandbits(128)
            real(self, a, version)

        return simulated

    change(time, "time", timed(_wall))
    change(time, "time_ns", timed(lambda loop: int(_wall(loop) * 1e9)))
    for name in ("monotonic", "perf_counter"):
        change(time, name, timed(lambda loop: loop.time()))
        change(time, f"{name}_ns", timed(lambda loop: int(loop.time() * 1e9)))
    change(os, "urandom", urandom)
    change(random, "_urandom", urandom)  # what `random.SystemRandom` reads, and so `secrets`
    change(random.Random, "seed", seed)
    change(time, "sleep", refused("a real sleep"))
    change(threading.Thread, "start", refused("a thread was started"))
    change(socket.socket, "__init__", refused("a socket was made"))
    change(subprocess.Popen, "__init__", refused("a process was started"))
    change(os, "system", refused("a process was started"))
    if hasattr(os, "fork"):
        change(os, "fork", refused("a process was forked"))
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)
        for owner, name, before in reversed(changed):
            setattr(owner, name, before)


def _line() -> str:
    """The line of the program that has led here: the innermost that is neither Python's nor ours."""
    frame = sys._getframe(2)
    found = frame
    at: Any = frame
    while at is not None:
        name = at.f_code.co_filename
        if not name.startswith((_HERE, _LIBRARY, "<")) or f"{os.sep}site-packages{os.sep}" in name:
            found = at
            break
        at = at.f_back
    return f"{found.f_code.co_filename}:{found.f_lineno} in {found.f_code.co_name}"
