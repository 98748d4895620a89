"""What the programs of this example print."""

import sys

__all__ = ["PROMPT", "on_terminal", "show", "show_aside"]

PROMPT = "> "


def show(line: str) -> None:
    """Print a line now and in one piece, also if somebody reads along at the other end of a pipe, or others write."""
    print(f"{line}\n", end="", flush=True)


def show_aside(line: str) -> None:
    """Print a line on standard error, in one piece: several processes may share that."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def on_terminal() -> bool:
    """Whether somebody types, and looks at what we print."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))
