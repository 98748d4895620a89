"""Asks servers how they are, again and again, and shows what they say."""

from __future__ import annotations

import argparse
import asyncio
import ssl
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import pygorums as gorums
from pygorums.introspection.introspection_gorums import stats
from pygorums.introspection.introspection_pb2 import ServerStats, StatsRequest
from pygorums.top.readings import Reading, method_rows, server_rows

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["main", "read"]

UNSERVED = "it does not tell: its server must be made with introspection=True"


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 1 if there is nothing to ask, or nothing to show it with; 2 if nobody has answered `--once`."""
    options = _parser().parse_args(arguments)
    try:
        import rich  # noqa: F401 - whether it is there
    except ModuleNotFoundError:
        print("pygorums.top needs rich: pip install 'pygorums[top]'", file=sys.stderr)
        return 1
    try:
        with suppress(KeyboardInterrupt):
            return asyncio.run(_watch(options))
    except (gorums.ConfigurationError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pygorums.top",
        description="A live table of servers that were made with introspection=True, and of their methods.",
    )
    parser.add_argument("addresses", nargs="+", metavar="HOST:PORT", help="a server to ask")
    parser.add_argument("--interval", type=_seconds, default=1.0, help="seconds between two rounds (default: 1)")
    parser.add_argument("--once", action="store_true", help="show one round and end; status 2 if nobody has answered")
    parser.add_argument("--ca", metavar="FILE", help="for TLS: the certificates of who has signed the servers'")
    parser.add_argument("--cert", metavar="FILE", help="for servers that ask for it: our certificate and its key")
    return parser


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0.05 <= seconds <= 3600:
        raise argparse.ArgumentTypeError("it must be from 0.05 to 3600 seconds")
    return seconds


def _tls(options: Any) -> ssl.SSLContext | None:
    if options.ca is None and options.cert is None:
        return None
    context = ssl.create_default_context(cafile=options.ca)
    if options.cert is not None:
        context.load_cert_chain(options.cert)
    return context


async def _watch(options: Any) -> int:
    from rich.console import Console
    from rich.live import Live

    from pygorums.top.tables import tables

    console = Console()
    async with gorums.connect(options.addresses, credentials=_tls(options), transport="auto") as config:
        before: Reading | None = None
        if options.once:
            now = await read(config, options.interval + 5)
            console.print(tables(server_rows(options.addresses, now, None), method_rows(now, None)))
            return 0 if now.stats else 2
        with ExitStack() as stack:
            show: Callable[[RenderableType], None] = console.print  # round after round, into a pipe or a file
            if console.is_terminal:
                live = stack.enter_context(Live(console=console, auto_refresh=False, screen=True))
                show = partial(live.update, refresh=True)
            while True:
                now = await read(config, options.interval)
                show(tables(server_rows(options.addresses, now, before), method_rows(now, before)))
                before = now
                await asyncio.sleep(options.interval)


async def read(config: gorums.Configuration, timeout: float) -> Reading:
    """Ask all servers, and wait so many seconds at the most."""
    answers: dict[str, ServerStats] = {}
    errors: dict[str, str] = {}
    addresses = {node.id: node.address for node in config}
    responses = stats(config, StatsRequest(), timeout=timeout)
    async for response in responses:
        address = addresses[response.node_id]
        if response.error is None:
            answers[address] = response.value
        else:
            errors[address] = _why(response.error)
    for node_id, error in responses.node_errors.items():
        errors.setdefault(addresses[node_id], _why(error))
    return Reading(asyncio.get_running_loop().time(), answers, errors)


def _why(error: Exception) -> str:
    if isinstance(error, gorums.StatusError):
        return UNSERVED if error.code() is gorums.StatusCode.UNIMPLEMENTED else f"{error.code.name}: {error.message}"
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
