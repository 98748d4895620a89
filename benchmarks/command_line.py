"""The command line of ``python -m benchmarks``."""

import argparse
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from benchmarks.measuring.options import Options, majority_of
from benchmarks.program import PROGRAM
from benchmarks.transports import ENVIRONMENT, TRANSPORTS, transport_named

__all__ = ["parse_arguments"]

_DESCRIPTION = """\
Measures pygorums beside hand-written gRPC on the same servers, in turns, and tells the medians.

commands:
  compare   the benchmarks, each with its ratio to the baselines (the default)
  reach     the cases that pygorums has to reach, with figure, target and whether it is reached
  sweep     vary concurrency, configuration size and payload; write JSON, a Markdown table and plots

baselines:
  A         a quorum call hand-written with unary grpc.aio calls and asyncio.wait
  B         the floor: a bare grpc.aio stream to each node, bytes out and back
  C         a quorum call hand-written with blocking unary grpc calls and a pool of threads
  R         messages over plain TCP on asyncio, out and back, each with a length before it: for latencies
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line; the usage is for those who ask for it."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _whole(least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if number < least:
            raise argparse.ArgumentTypeError(f"{text} is less than {least}")
        return number

    return parse


def _whole_numbers(text: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(map(_whole(1), text.split(","))))


def _seconds(text: str) -> float:
    """``0.5``, or as in Go ``500ms``, ``2s``, ``1m``."""
    match = re.fullmatch(r"([0-9.]+(?:e-?[0-9]+)?)(ms|s|m|)", text.strip())
    try:
        number = float(match[1]) if match else math.nan
    except ValueError:
        number = math.nan
    if match is None or not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time, such as 0.5, 500ms or 2s")
    return number * {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0}[match[2]]


def _positive_seconds(text: str) -> float:
    seconds = _seconds(text)
    if seconds <= 0:
        raise argparse.ArgumentTypeError(f"{text} is no time to measure anything")
    return seconds


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a regular expression: {error}") from None


def _addresses(text: str) -> tuple[str, ...]:
    addresses = tuple(address for part in text.split(",") if (address := part.strip()))
    if not addresses:
        raise argparse.ArgumentTypeError("no addresses; give some such as 127.0.0.1:8080,127.0.0.1:8081")
    return addresses


def _file(text: str) -> str:
    folder = Path(text).parent
    if text != "-" and (not folder.is_dir() or Path(text).is_dir()):
        raise argparse.ArgumentTypeError(f"{text} cannot be written: {folder} must be a folder, and {text} none")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=PROGRAM,
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("command", nargs="?", choices=("compare", "reach", "sweep"), default="compare")
    add: Callable[..., Any] = parser.add_argument
    add("--benchmarks", metavar="REGEXP", type=_pattern, help="only those whose name matches")
    add("--list", action="store_true", help="list the benchmarks, or with reach the cases")
    add("--time", metavar="SECONDS", type=_positive_seconds, help="how long each run takes (1; also 500ms)")
    add("--warmup", metavar="SECONDS", type=_seconds, help="before the first run of each (0.1)")
    add("--rounds", metavar="N", type=_whole(1), help="how many runs of each; medians are told (3, reach 5)")
    add("--concurrent", metavar="N,…", type=_whole_numbers, help="numbers of callers (1,50)")
    add("--threads", metavar="N,…", type=_whole_numbers, help="the same for those that block a thread each (1,32)")
    add("--max-async", metavar="N", type=_whole(1), help="asynchronous calls in flight (1000)")
    add("--payload", metavar="BYTES", type=_whole(0), help="payload of requests and replies (0)")
    add("--config-size", metavar="N", type=_whole(1), help="how many nodes (3, or all of --remotes)")
    add("--quorum-size", metavar="N", type=_whole(1), help="replies that a quorum call needs (a majority)")
    add("--remotes", metavar="HOST:PORT,…", type=_addresses, help="measure these servers instead of local ones")
    add("--processes", metavar="N", type=_whole(1), help="put the local servers into so many processes (one each)")
    add("--server", metavar="HOST:PORT", help="be a server, until Ctrl-C or SIGTERM")
    add("--send-buffer", metavar="BYTES", type=_whole(1), help="how much may wait to be sent to a node (64 MiB)")
    add("--no-baselines", action="store_true", help="measure pygorums alone")
    add("--json", metavar="FILE", type=_file, help="write all figures to a file; - for standard output")
    add("--output", metavar="FOLDER", help="where sweep writes to (benchmark-results)")
    add("--uvloop", action="store_true", help="run client and local servers on uvloop")
    names = "|".join(TRANSPORTS)
    add("--transport", metavar=names, help=f"what client and local servers stand on (auto, or else ${ENVIRONMENT})")
    add("--profile", metavar="FILE", type=_file, help="write the asyncio client's profile, and the servers' beside it")
    return parser


def parse_arguments(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; exits with status 2 and a line on stderr if it is wrong."""
    parser = _parser()
    given = parser.parse_args(arguments)
    command = "serve" if given.server is not None else "list" if given.list else given.command
    if given.output is not None and command != "sweep":
        parser.error("--output is for sweep")
    if given.remotes is not None and given.processes is not None:
        parser.error("--processes is for local servers, and --remotes are not")
    if given.remotes is not None and given.command != "compare":
        parser.error(f"{given.command} needs servers of its own; --remotes are for compare")
    size = given.config_size or (len(given.remotes) if given.remotes else Options().config_size)
    if given.remotes is not None and size > len(given.remotes):
        parser.error(f"--config-size {size} is more than there are --remotes: {len(given.remotes)}")
    quorum = given.quorum_size or majority_of(size)
    if quorum > size:
        parser.error(f"--quorum-size {quorum} is more than there are nodes: {size}")
    try:
        transport = transport_named(given.transport)
    except ValueError as error:
        parser.error(str(error))
    named: dict[str, Any] = {
        "chosen": given.benchmarks,
        "seconds": given.time,
        "warmup": given.warmup,
        "rounds": given.rounds or (5 if given.command == "reach" else None),
        "concurrent": given.concurrent,
        "threads": given.threads,
        "max_async": given.max_async,
        "payload": given.payload,
        "remotes": given.remotes,
        "processes": given.processes,
        "server": given.server,
        "send_buffer": given.send_buffer,
        "json": given.json,
        "output": given.output or "benchmark-results",
        "profile": given.profile,
    }
    return Options(
        command=command,
        cases=given.command == "reach",
        config_size=size,
        quorum_size=quorum,
        baselines=not given.no_baselines,
        uvloop=given.uvloop,
        transport=transport,
        **{name: value for name, value in named.items() if value is not None},
    )
