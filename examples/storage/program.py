"""How the programs of this example end: with an exit status, and never with a traceback for what a user did."""

import asyncio
import io
import os
import sys
from collections.abc import Coroutine

from examples.storage.output import show_aside

__all__ = ["StartError", "run"]

INTERRUPTED = 130
"""The exit status of a program that Ctrl-C ended, as shells have it."""

PIPE_CLOSED = 141
"""The exit status of a program that lost the reader of its output, as shells have it."""


class StartError(Exception):
    """What was asked for cannot be started; the text says why, in one line."""


def run(name: str, program: Coroutine[None, None, None]) -> int:
    """Run a program called `name` and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What a node stores may not be printable here.
            stream.reconfigure(errors="backslashreplace")
    try:
        asyncio.run(program)
    except StartError as error:
        show_aside(f"{name}: {error}")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Python would try to write what is left, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    return 0
