"""What the threads of a process do while its interpreter exits.

By then the interpreter has waited for all threads but daemons. What these wait for is closed under them; were they
told so, they would do nothing but print tracebacks in the last milliseconds of the process. So they are told nothing,
and stay where they are until they are gone.
"""

from __future__ import annotations

import threading

__all__ = ["begin_exit", "is_exiting", "refuse_work"]


class _Process:
    exiting = False


def begin_exit() -> None:
    """Say that the interpreter exits."""
    _Process.exiting = True


def is_exiting() -> bool:
    """Whether it does."""
    return _Process.exiting


def refuse_work() -> None:
    """Refuse to start anything while the interpreter exits. In a daemon thread this never returns.

    Raises:
        RuntimeError: In another thread, such as the main one in an atexit handler.
    """
    if threading.current_thread().daemon:
        threading.Event().wait()
    raise RuntimeError("pygorums.sync has closed all its connections and servers: the interpreter is exiting")
