"""The command line of ``python -m examples.storage``."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

__all__ = ["PROGRAM", "Arguments", "parse_arguments"]

PROGRAM = "python -m examples.storage"

_DESCRIPTION = """\
A replicated key-value store, and a prompt to try every call type on it.
Without arguments it starts four servers of its own.
"""


@dataclass(frozen=True, slots=True)
class Arguments:
    """What was asked for.

    Attributes:
        addresses: Servers to connect to, or of which to be the first one; empty for servers of our own.
        serve: Whether to be a server.
    """

    addresses: tuple[str, ...] = ()
    serve: bool = False


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line; the usage is for those who ask for it."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def parse_arguments(arguments: Sequence[str] | None = None) -> Arguments:
    """Read the command line; exits with status 2 and a line on stderr if it is wrong."""
    parser = _Parser(prog=PROGRAM, description=_DESCRIPTION, allow_abbrev=False)
    parser.add_argument(
        *("--addrs", "--connect"),
        metavar="HOST:PORT,…",
        help="connect to these servers; with --serve, the address to listen on and those of its peers",
    )
    parser.add_argument(
        "--serve", action="store_true", help="be a server, on the first of --addrs, until Ctrl-C or SIGTERM"
    )
    given = parser.parse_args(arguments)
    if given.addrs is None:
        if given.serve:
            parser.error("--serve needs --addrs with the address to listen on, such as 127.0.0.1:8080")
        return Arguments()
    addresses = tuple(address for part in given.addrs.split(",") if (address := part.strip()))
    if not addresses:
        parser.error("--addrs names no server; give addresses such as 127.0.0.1:8080,127.0.0.1:8081")
    return Arguments(addresses, given.serve)
