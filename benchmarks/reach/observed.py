"""Calls that are observed: what counting and tracing cost, and that no span is left of calls that are left.

What is compared are calls for each second of processor time, which changes little with what else the machine does:
that of the client, and, with servers in the same process that are observed too, that of both ends.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from statistics import median
from time import process_time
from typing import Any

import pygorums as gorums
from benchmarks.benchmark_gorums import quorum_call, slow_server
from benchmarks.benchmark_pb2 import Echo
from benchmarks.loads.tasks import closed_loop
from benchmarks.measuring.options import Options, majority_of
from benchmarks.program import StartError
from benchmarks.reach.cases import Figure, OwnCase
from benchmarks.servers.local import LocalServers
from benchmarks.servers.service import BenchmarkImpl
from benchmarks.transports import transport_arguments
from pygorums import telemetry
from pygorums.base.observers import Observers

__all__ = ["OBSERVED"]

CALLERS = 50

TURNS = 10
"""Into how many turns a run is divided, so that what else happens on the machine meets both alike."""

SAMPLED = 0.01
ABANDONED = 10_000
SCRAPED_NODES = 50


def _instrumentation(**arguments: Any) -> Any:
    """What traces calls; spans are made and thrown away.

    Raises:
        StartError: A package is missing.
    """
    try:
        from opentelemetry.sdk.trace import TracerProvider

        provider = arguments.pop("tracer_provider", None) or TracerProvider(shutdown_on_exit=False)
        return telemetry.Instrumentation(tracer_provider=provider, **arguments)
    except ModuleNotFoundError as error:
        raise StartError(f"{error.name} is not installed: pip install 'pygorums[bench]'") from None


class _Observed:
    """A configuration of servers in this process, whose observers can be told to look away.

    Attributes:
        config: The configuration.
    """

    def __init__(self, config: gorums.Configuration, observers: Sequence[Observers]) -> None:
        self.config = config
        self._observers = [(each, each.call, each.request, each.handled) for each in observers]

    def look(self, *, at_all: bool) -> None:
        """Look, or look away. So nothing else differs between the two."""
        for each, *told in self._observers:
            each.call, each.request, each.handled = told if at_all else (None, None, None)


@asynccontextmanager
async def _connected(
    addresses: Sequence[str], transport: str, observers: Sequence[Any]
) -> AsyncIterator[gorums.Configuration]:
    async with gorums.connect(addresses, observers=observers, **transport_arguments(transport)) as config:
        await config.wait_connected(timeout=30)
        yield config


@asynccontextmanager
async def _observed(
    count: int, transport: str, client: Sequence[Any] = (), server: Sequence[Any] = (), *, counted: bool = False
) -> AsyncIterator[_Observed]:
    """So many servers."""
    async with AsyncExitStack() as stack:
        servers = [
            gorums.Server(BenchmarkImpl(), observers=server, **transport_arguments(transport)) for _ in range(count)
        ]
        addresses = []
        for each in servers:
            stack.push_async_callback(each.stop)
            addresses.append(await each.start("127.0.0.1:0"))
        config = await stack.enter_async_context(_connected(addresses, transport, client))
        observers = [config.pool.observers, *(each.observers for each in servers)]
        if counted:
            for observer in observers:
                observer.count()
        yield _Observed(config, observers)


@dataclass(frozen=True, slots=True, eq=False)
class _CostCase:
    """Quorum calls and RPCs that are observed, beside such as are not."""

    name: str
    description: str
    least: float
    observers: Callable[[], tuple[Sequence[Any], Sequence[Any]]]
    """Makes the observers of the client and of the servers."""
    counted: bool = False

    @property
    def target(self) -> str:
        """What has to be reached."""
        return f"≥ {self.least:g} × at the client"

    async def measure(self, options: Options) -> Figure:
        """Measure in turns."""
        client, server = self.observers()
        local = LocalServers(3, options.transport, uvloop=options.uvloop)
        async with local, _connected(local.addresses, options.transport, client) as config:
            if self.counted:
                config.pool.observers.count()
            at_client = await _ratios(_Observed(config, [config.pool.observers]), options)
        async with _observed(3, options.transport, client, server, counted=self.counted) as observed:
            at_both = await _ratios(observed, options)
        least, worst = min(at_client.values()), min(at_both.values())
        text = ", ".join(f"{ratio:.3f} for {kind}" for kind, ratio in at_client.items())
        details = {"client": at_client, "both": at_both}
        return Figure(f"{text}; {worst:.3f} at both ends", least >= self.least, details)


async def _ratios(observed: _Observed, options: Options) -> Mapping[str, float]:
    """Calls for each second of processor time, observed and not."""
    ratios = {}
    for kind, call in _calls(observed.config).items():
        await _rate(call, options.warmup or 0.1)
        found = []
        for _ in range(TURNS * options.rounds):
            rates = []
            for looking in (False, True, False):
                observed.look(at_all=looking)
                rates.append(await _rate(call, options.seconds / TURNS))
            found.append(2 * rates[1] / (rates[0] + rates[2]))
        ratios[kind] = median(found)
    return ratios


def _calls(config: gorums.Configuration) -> Mapping[str, Callable[[], Any]]:
    request, need, one = Echo(), majority_of(len(config)), config[:1]
    return {
        "quorum calls": lambda: quorum_call(config, request).threshold(need),
        "RPCs": lambda: quorum_call(one, request).first(),
    }


async def _rate(call: Callable[[], Any], seconds: float) -> float:
    """Calls for each second of processor time."""
    begun = process_time()
    outcome = await closed_loop(call, CALLERS, seconds)
    return outcome.ops / (process_time() - begun)


@dataclass(frozen=True, slots=True, eq=False)
class _AbandonedCase:
    """Calls that are traced and left before they are over."""

    name = "abandoned-spans"
    description = f"spans that have not ended after {ABANDONED:,} calls that were abandoned"
    target = "0"

    async def measure(self, options: Options) -> Figure:
        """Leave calls, each in one of the ways to do so."""
        spans = _Spans()
        otel = _instrumentation(tracer_provider=spans.provider())
        async with _observed(1, options.transport, [otel.client], [otel.server]) as observed:
            for _ in range(ABANDONED // 100):
                await _leave(observed.config, 25)
        return Figure(f"{spans.open} of {spans.made:,}", not spans.open and spans.made >= ABANDONED)


async def _leave(config: gorums.Configuration, count: int) -> None:
    """Begin so many calls of each of four kinds, and leave them."""
    futures = [slow_server(config, Echo()).async_majority() for _ in range(count)]
    tasks = [asyncio.ensure_future(slow_server(config, Echo()).collect_all()) for _ in range(count)]
    correctables = [slow_server(config, Echo()).correctable(1) for _ in range(count)]
    for _ in range(count):
        slow_server(config, Echo()).send()
    await asyncio.sleep(0)
    for future in futures:
        future.cancel()
    for task in tasks:
        task.cancel()
    for correctable in correctables:
        correctable.cancel()
    await asyncio.wait(tasks)


class _Spans:
    """Counts spans."""

    def __init__(self) -> None:
        self.made = self.open = 0

    def provider(self) -> Any:
        """What makes them, and tells of them here."""
        try:
            from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
        except ModuleNotFoundError as error:
            raise StartError(f"{error.name} is not installed: pip install 'pygorums[bench]'") from None
        spans = self

        class Counting(SpanProcessor):
            def on_start(self, span: Any, parent_context: Any = None) -> None:  # noqa: ARG002 - that is its name
                spans.made += 1
                spans.open += 1

            def on_end(self, span: Any) -> None:  # noqa: ARG002 - likewise
                spans.open -= 1

        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(Counting())
        return provider


@dataclass(frozen=True, slots=True, eq=False)
class _ScrapeCase:
    """A scrape of metrics, down to the text that Prometheus gets."""

    name = "scrape"
    description = f"a scrape of the metrics of {SCRAPED_NODES} nodes"
    target = "≤ 5 ms"

    async def measure(self, options: Options) -> Figure:
        """Measure some, and take their median."""
        try:
            from prometheus_client import CollectorRegistry, generate_latest
        except ModuleNotFoundError as error:
            raise StartError(f"{error.name} is not installed: pip install 'pygorums[bench]'") from None
        registry = CollectorRegistry()
        async with _observed(SCRAPED_NODES, options.transport, counted=True) as observed:
            registry.register(telemetry.collector(observed.config))
            for _ in range(100):
                await quorum_call(observed.config, Echo()).all()
            times, size = [], 0
            for _ in range(20 * options.rounds):
                begun = process_time()
                size = len(generate_latest(registry))
                times.append(process_time() - begun)
        taken = median(times)
        return Figure(f"{taken * 1e3:.1f} ms ({size:,} bytes)", taken <= 0.005, {"seconds": taken})


def _sampling() -> tuple[Sequence[Any], Sequence[Any]]:
    otel = _instrumentation(sample=SAMPLED)
    return [otel.client], [otel.server]


OBSERVED: tuple[OwnCase, ...] = (
    _CostCase("counted", f"{CALLERS} callers whose calls are counted", 0.95, lambda: ((), ()), True),
    _CostCase("sampled", f"{CALLERS} callers of whose traces {SAMPLED:.0%} are recorded", 0.8, _sampling),
    _AbandonedCase(),
    _ScrapeCase(),
)
"""In the order in which they are told."""
