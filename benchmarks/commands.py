"""What each command does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.comparison import chosen_benchmarks, compare
from benchmarks.measuring.options import Options
from benchmarks.measuring.profiling import Profiler
from benchmarks.program import StartError
from benchmarks.reach.command import CASES, reach
from benchmarks.reports.files import row_figures, settings, write_json
from benchmarks.reports.machine import describe, machine
from benchmarks.reports.progress import progress_display
from benchmarks.reports.table import comparison_table, facade_summary, plain
from benchmarks.servers.local import LocalServers
from benchmarks.servers.serving import serve_until_signal
from benchmarks.subjects.catalogue import CATALOGUE
from benchmarks.subjects.targets import Targets
from benchmarks.sweep import sweep

__all__ = ["execute"]

_OTHERS = {
    "A": "the hand-written fan-out",
    "B": "bare streams",
    "C": "the hand-written fan-out of threads",
    "asyncio": "the same with asyncio",
}
"""What the ratios are to."""


async def execute(options: Options) -> None:
    """Do what the command line says.

    Raises:
        StartError: It cannot be done.
    """
    match options.command:
        case "serve":
            await serve_until_signal(options.server, options.transport)
        case "list":
            _list(options)
        case "reach":
            await reach(options)
        case "sweep":
            await sweep(options)
        case _:
            await _compare(options)


def _list(options: Options) -> None:
    entries = CASES if options.cases else CATALOGUE
    width = max(len(entry.name) for entry in entries)
    for entry in entries:
        print(f"{entry.name:{width}}  {entry.description}")


async def _compare(options: Options) -> None:
    if not chosen_benchmarks(options):
        names = ", ".join(benchmark.name for benchmark in CATALOGUE)
        raise StartError(f"no benchmark's name matches {options.chosen.pattern!r}: there are {names}")
    profiler = Profiler(options.profile)
    facts = machine()
    async with _targets(options) as targets:
        with progress_display() as progress:
            rows = await compare(targets, options, progress, profiler)
        ours = targets.ours
    profiler.write()
    if options.json:
        write_json(
            options.json,
            {"machine": facts, "options": settings(options), "rows": [row_figures(row) for row in rows]},
        )
    if options.json == "-":
        return
    where = "remote servers" if options.remotes else f"{options.processes or options.config_size} server processes"
    print(describe(facts))
    print(
        f"{options.config_size} nodes, {where}, {options.quorum_size} replies needed, "
        f"{options.payload} bytes of payload; transport: {options.transport}; "
        f"medians of {options.rounds} alternating runs of {options.seconds:g} s"
    )
    print()
    print(plain(comparison_table(rows)))
    print()
    if options.profile:
        print("The profiler was at work: these figures are not those of pygorums.")
    if not ours:
        print("The servers do not serve the baselines, nor tell what they use.")
    notes = [f"× {name}: {what}" for name, what in _OTHERS.items() if any(name in row.ratios for row in rows)]
    if notes:
        print(f"Calls/s compared, in the same rounds, with: {'; '.join(notes)}.")
    if any("R" in row.ratios for row in rows):
        print("p50 × R: latency compared with that of plain TCP on asyncio.")
    for line in facade_summary(rows):
        print(line)


@asynccontextmanager
async def _targets(options: Options) -> AsyncIterator[Targets]:
    if options.remotes:
        addresses = options.remotes[: options.config_size]
        async with Targets(addresses, options.send_buffer, options.transport) as targets:
            yield targets
        return
    local = LocalServers(
        options.config_size,
        options.transport,
        processes=options.processes,
        uvloop=options.uvloop,
        profile=options.profile,
    )
    async with local, Targets(local.addresses, options.send_buffer, options.transport) as targets:
        yield targets
