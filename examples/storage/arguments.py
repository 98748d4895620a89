"""The command line of ``python -m examples.storage``."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

__all__ = ["INTERCEPTORS", "PROGRAM", "Arguments", "parse_arguments"]

PROGRAM = "python -m examples.storage"

INTERCEPTORS = ("logging", "nofoo", "metadata", "delayed")
"""The names that ``--interceptors`` takes."""

_DESCRIPTION = """\
A replicated key-value store, and a prompt to try every call type on it.
Without arguments it starts four servers of its own.
"""


@dataclass(frozen=True, slots=True)
class Arguments:
    """What was asked for.

    Attributes:
        addresses: The servers to connect to, or those of the cluster; empty for servers of our own.
        serve: The address to listen on, which is one of `addresses`; empty for not being a server.
        cluster: Whether to start a process for each of `addresses`.
        interceptors: Some of `INTERCEPTORS`, the first one outermost.
    """

    addresses: tuple[str, ...] = ()
    serve: str = ""
    cluster: bool = False
    interceptors: tuple[str, ...] = ()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line; the usage is for those who ask for it."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def parse_arguments(arguments: Sequence[str] | None = None) -> Arguments:
    """Read the command line; exits with status 2 and a line on stderr if it is wrong."""
    parser = _parser()
    given = parser.parse_args(arguments)
    addresses = () if given.addrs is None else _items(given.addrs)
    if given.addrs is None and given.serve is not None:
        parser.error("--serve needs --addrs with the address to listen on, such as 127.0.0.1:8080")
    if given.addrs is None and given.cluster:
        parser.error("--cluster needs --addrs with the addresses of its servers, such as 127.0.0.1:8080,127.0.0.1:8081")
    if given.addrs is not None and not addresses:
        parser.error("--addrs names no server; give addresses such as 127.0.0.1:8080,127.0.0.1:8081")
    serve = "" if given.serve is None else given.serve.strip() or addresses[0]
    if serve and serve not in addresses:
        parser.error(f"--serve {serve} is not one of --addrs, which must list every server of the cluster")
    interceptors = _items(given.interceptors)
    unknown = [name for name in interceptors if name not in INTERCEPTORS]
    if unknown:
        parser.error(f"unknown interceptor {unknown[0]!r}: there are {', '.join(INTERCEPTORS)}")
    if interceptors and addresses and not serve and not given.cluster:
        parser.error("--interceptors is for servers, and with --addrs alone none is started: give it to the servers")
    return Arguments(addresses, serve, given.cluster, interceptors)


def _parser() -> _Parser:
    parser = _Parser(prog=PROGRAM, description=_DESCRIPTION, allow_abbrev=False)
    parser.add_argument(
        *("--addrs", "--connect"),
        metavar="HOST:PORT,…",
        help="connect to these servers; with --serve or --cluster, those of the cluster",
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--serve",
        metavar="HOST:PORT",
        nargs="?",
        const="",
        help="be a server until Ctrl-C or SIGTERM, on this one of --addrs, or else the first; the others are its peers",
    )
    kind.add_argument(
        "--cluster",
        action="store_true",
        help="start a server for each of --addrs in a process of its own, and stop them all on Ctrl-C or SIGTERM",
    )
    parser.add_argument(
        "--interceptors",
        metavar="NAME,…",
        default="",
        help=f"what is wrapped around the servers' handlers, the first one outermost: {', '.join(INTERCEPTORS)}",
    )
    return parser


def _items(text: str) -> tuple[str, ...]:
    return tuple(item for part in text.split(",") if (item := part.strip()))
