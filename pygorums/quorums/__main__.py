"""``python -m pygorums.quorums describe FILE|EXPRESSION``: what a quorum system is, as a table."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from pygorums.quorums.describing import table
from pygorums.quorums.reading import Description, read_file, system_of

__all__ = ["main"]

_EPILOG = """\
an expression is what a program would write:
  majority(5)    grid([[1, 2, 3], [4, 5, 6]])    all_of(1, 2) | of(2, 3, 4, 5)
  zones({"a": [1, 2, 3], "b": [4, 5, 6], "c": [7, 8, 9]}, of_each=2, zones=2)

a file is in TOML:
  system = "majority(3)"         # or reads = "…", writes = "…", or both
  read_fraction = 0.8            # or a table of fractions, and how often each is met
  [capacity]                     # requests a second
  1 = 2000
  2 = [4000, 2000]               # reads, and writes
  [latency]                      # seconds
  1 = 0.001
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m pygorums.quorums",
        description="Tells what quorum systems are.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="describe")
    describe = commands.add_parser(
        "describe",
        help="print nodes, minimal quorums, resilience, load and capacity",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    describe.add_argument("system", metavar="FILE|EXPRESSION")
    describe.add_argument(
        "--read-fraction", type=float, metavar="PART", help="which part of the calls are reads, 0 to 1"
    )
    given = parser.parse_args(arguments)
    try:
        path = Path(given.system)
        described = read_file(path) if _is_file(path) else Description(system_of(given.system))
        if given.read_fraction is not None:
            described = dataclasses.replace(described, read_fraction=given.read_fraction)
        print(table(described))
    except ValueError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    return 0


def _is_file(path: Path) -> bool:
    try:
        return path.is_file() or path.suffix == ".toml"
    except (OSError, ValueError):  # too long for a name, or no name at all
        return False


if __name__ == "__main__":
    sys.exit(main())
