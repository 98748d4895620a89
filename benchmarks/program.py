"""How the program ends: with an exit status, and never with a traceback for what a user did."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine

__all__ = ["PROGRAM", "StartError", "run"]

PROGRAM = "python -m benchmarks"

INTERRUPTED = 130
"""The exit status of a program that Ctrl-C ended, as shells have it."""

PIPE_CLOSED = 141
"""The exit status of a program that lost the reader of its output, as shells have it."""


class StartError(Exception):
    """What was asked for cannot be done; the text says why, in one line."""


def run(program: Coroutine[None, None, None], *, uvloop: bool) -> int:
    """Run a program and return its exit status.

    Args:
        program: What to run.
        uvloop: Whether to run it on uvloop instead of asyncio's own loop.
    """
    try:
        with asyncio.Runner(loop_factory=_uvloop_factory(program) if uvloop else None) as runner:
            runner.run(program)
    except StartError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Python would try to write what is left, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    return 0


def _uvloop_factory(program: Coroutine[None, None, None]) -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        from uvloop import new_event_loop
    except ImportError:
        program.close()
        raise StartError("--uvloop needs uvloop: pip install 'pygorums[bench]'") from None
    factory: Callable[[], asyncio.AbstractEventLoop] = new_event_loop
    return factory
