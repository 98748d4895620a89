"""The runs that cases are judged by: servers for each, and what is measured there, in turns."""

from collections.abc import Iterable
from contextlib import AsyncExitStack

from benchmarks.measuring.alternation import Progress, Subject, alternate
from benchmarks.measuring.options import Options
from benchmarks.measuring.profiling import Profiler
from benchmarks.reach.cases import RatioCase, Runs
from benchmarks.reach.needs import Need, subject_of
from benchmarks.servers.local import LocalServers
from benchmarks.subjects.targets import Targets

__all__ = ["run_cases"]

FEW_NODES = 3
"""So many have a process each; where there are more, they share `SHARED_PROCESSES`."""

SHARED_PROCESSES = 2


async def run_cases(cases: Iterable[RatioCase], options: Options, progress: Progress, profiler: Profiler) -> Runs:
    """Measure what the cases need, each once in each round, whichever cases need it."""
    needs = list(dict.fromkeys(need.on(options.transport) for case in cases for need in case.needs))
    async with AsyncExitStack() as stack:
        servers = _Servers(max(need.nodes for need in needs), options, stack)
        subjects: dict[Need, Subject] = {need: await subject_of(need, await servers.of(need)) for need in needs}
        return Runs(await alternate(subjects, options.timing, progress, profiler), options.transport)


class _Servers:
    """The servers, which start when they are first needed.

    Args:
        most: How many nodes are needed at most.
        options: How they are run.
        stack: Ends them.
    """

    def __init__(self, most: int, options: Options, stack: AsyncExitStack) -> None:
        self._most = most
        self._options = options
        self._stack = stack
        self._started: dict[tuple[str, int], Targets] = {}

    async def of(self, need: Need) -> Targets:
        """Those that have enough nodes, on the transport that is needed."""
        count, processes = (FEW_NODES, FEW_NODES) if need.nodes <= FEW_NODES else (self._most, SHARED_PROCESSES)
        if (need.servers, count) not in self._started:
            self._started[need.servers, count] = await self._start(need.servers, count, processes)
        return self._started[need.servers, count]

    async def _start(self, transport: str, count: int, processes: int) -> Targets:
        options = self._options
        local = LocalServers(count, transport, processes=processes, uvloop=options.uvloop, profile=options.profile)
        await self._stack.enter_async_context(local)
        targets = Targets(local.addresses, options.send_buffer, options.transport)
        return await self._stack.enter_async_context(targets)
