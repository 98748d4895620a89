"""What the programs of this example print on standard output."""

import sys

__all__ = ["PROMPT", "on_terminal", "show"]

PROMPT = "> "


def show(line: str) -> None:
    """Print a line now, also if somebody reads along at the other end of a pipe."""
    print(line, flush=True)


def on_terminal() -> bool:
    """Whether somebody types, and looks at what we print."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))
