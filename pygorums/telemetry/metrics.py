"""Metrics for Prometheus, read from the counters when they are scraped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from pygorums.base.counting import MethodCounter
from pygorums.base.histogram import BOUNDS, Histogram
from pygorums.base.observers import Observers
from pygorums.base.outcome import OK
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.node import Node
from pygorums.serving.server import Server
from pygorums.serving.system import System
from pygorums.telemetry import conventions as names

__all__ = ["Collector", "collector"]

_SHOWN = [BOUNDS.index(float(f"{step}e{power}")) for power in range(-5, 2) for step in (1, 2, 5)]
"""Of the bounds those that are told of, so that a scrape stays small: from ten microseconds to 50 s."""

_METHOD_LABELS = [names.SYSTEM, names.METHOD, names.STATUS_CODE, names.ERROR_TYPE]
_NODE_LABELS = ["node_id", "server_address", "direction"]


def collector(*sources: Any) -> Collector:
    """What a registry of `prometheus_client` collects: ``REGISTRY.register(telemetry.collector(config, server))``.

    Counting begins now. A scrape may come in any thread.

    Args:
        sources: Configurations, servers and systems of either world. Of several configurations to the same nodes the
            figures are added up.

    Raises:
        TypeError: One of them is something else.
    """
    return Collector([_unwrapped(source) for source in sources])


def _unwrapped(source: Any) -> Any:
    source = getattr(source, "asynchronous", source)
    if not isinstance(source, Configuration | Server | System):
        raise TypeError(f"metrics are collected from configurations, servers and systems, not from {source!r:.100}")
    _observers(source).count()
    return source


def _observers(source: Any) -> Observers:
    if isinstance(source, Configuration):
        return source.pool.observers
    return (source.server if isinstance(source, System) else source).observers


@dataclass(slots=True)
class _Link:
    """All connections to one node in one direction."""

    connected: bool = False
    pending: int = 0
    queued: int = 0
    reconnects: int = 0
    latencies: list[float] = field(default_factory=list)

    def add(self, node: Node) -> None:
        channel = node.channel
        self.connected = self.connected or channel.connected
        self.pending += channel.waiting
        self.queued += channel.queued_bytes
        self.reconnects += max(channel.opened - 1, 0)
        if channel.pending.latency is not None:
            self.latencies.append(channel.pending.latency)


class Collector:
    """Reads the metrics of some sources: see `collector`."""

    def __init__(self, sources: Iterable[Any]) -> None:
        self._sources = tuple(sources)

    def describe(self) -> Iterable[Metric]:
        """Nothing: what there is shows at the first scrape."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The metrics at this moment."""
        counters = list({id(o): o.count() for o in map(_observers, self._sources)}.values())
        yield _durations(names.CLIENT_DURATION, "How long calls took.", [each.calls for each in counters])
        yield _durations(names.SERVER_DURATION, "How long requests took.", [each.requests for each in counters])
        yield from self._nodes()
        yield from self._servers()

    def _nodes(self) -> Iterator[Metric]:
        links: dict[tuple[str, str, str], _Link] = {}
        seen: set[int] = set()
        for node, direction in self._links():
            if id(node) not in seen:
                seen.add(id(node))
                links.setdefault((str(node.id), node.address, direction), _Link()).add(node)
        connected = GaugeMetricFamily("pygorums_node_connected", "Whether there is a stream.", labels=_NODE_LABELS)
        pending = GaugeMetricFamily("pygorums_node_pending_calls", "Calls that wait for a reply.", labels=_NODE_LABELS)
        queued = GaugeMetricFamily("pygorums_node_queued_bytes", "Bytes that wait to be sent.", labels=_NODE_LABELS)
        latency = GaugeMetricFamily(
            "pygorums_node_latency_seconds", "A moving average of the time to a reply.", labels=_NODE_LABELS
        )
        reconnects = CounterMetricFamily(
            "pygorums_node_reconnects", "Streams after the first one.", labels=_NODE_LABELS
        )
        for labels, link in links.items():
            connected.add_metric(labels, link.connected)
            pending.add_metric(labels, link.pending)
            queued.add_metric(labels, link.queued)
            reconnects.add_metric(labels, link.reconnects)
            if link.latencies:
                latency.add_metric(labels, sum(link.latencies) / len(link.latencies))
        yield from (connected, pending, queued, latency, reconnects)

    def _links(self) -> Iterator[tuple[Node, str]]:
        """The nodes, and who opens the streams."""
        for source in self._sources:
            if isinstance(source, Configuration):
                yield from ((node, "outbound") for node in source.nodes)
                continue
            if isinstance(source, System):
                with suppress(RuntimeError):  # it was not started
                    yield from ((node, "outbound") for node in source.outbound.nodes)
            peers = source.server.peers if isinstance(source, System) else source.peers
            yield from ((node, "inbound") for node in peers.config.nodes if node.is_inbound)

    def _servers(self) -> Iterator[Metric]:
        stats = [source.stats() for source in self._sources if not isinstance(source, Configuration)]
        if stats:
            yield GaugeMetricFamily("pygorums_server_streams", "Open streams.", sum(each.streams for each in stats))
            running = sum(each.running for each in stats)
            yield GaugeMetricFamily("pygorums_server_running_handlers", "Handlers that run.", running)
            held = sum(each.held_bytes for each in stats)
            yield GaugeMetricFamily("pygorums_server_held_bytes", "Bytes of requests and replies that wait.", held)


def _durations(name: str, text: str, counters: Iterable[Mapping[str, MethodCounter]]) -> Metric:
    labels = [label.replace(".", "_") for label in _METHOD_LABELS]
    family = HistogramMetricFamily(f"{name.replace('.', '_')}_seconds", text, labels=labels)
    merged: dict[tuple[str, str], list[Histogram]] = {}
    for each in counters:
        for method, counter in tuple(each.items()):
            for status, histogram in counter.by_status.items():
                merged.setdefault((method, status), []).append(histogram)
    for (method, status), histograms in merged.items():
        whole = histograms[0] if len(histograms) == 1 else Histogram.merged(histograms)
        totals = list(accumulate(whole.buckets))
        buckets = [(repr(BOUNDS[index]), float(totals[index])) for index in _SHOWN]
        values = [names.GORUMS, names.method_name(method), status, "" if status == OK else status]
        family.add_metric(values, [*buckets, ("+Inf", float(totals[-1]))], whole.sum)
    return family
