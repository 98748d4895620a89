"""Nodes and calls in figures, at one moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from pygorums.base.counting import MethodCounter
from pygorums.base.histogram import Histogram, Quantiles, quantiles_of
from pygorums.base.observers import Observers
from pygorums.nodes.node import Node

__all__ = ["ConfigurationStats", "MethodStats", "NodeStats", "State", "methods_in", "nodes_in", "stats_of"]

State = Literal["connected", "not connected", "closed"]


@dataclass(frozen=True, slots=True)
class NodeStats:
    """What is known of a node.

    Attributes:
        id: Its ID.
        address: Its address, as it was given.
        state: Whether there is a stream to it.
        pending: How many calls wait for its reply.
        queued_bytes: The bytes that wait to be sent to it.
        latency: Its latency estimate in seconds, as `Node.latency`; None before the first reply.
        latencies: How long its last replies took, up to 256 of them; None before the first one.
        reconnects: How many times there was a new stream after the first one.
        last_error: Why there was no stream last, also if there is one again; None if there always was.
    """

    id: int
    address: str
    state: State
    pending: int
    queued_bytes: int
    latency: float | None
    latencies: Quantiles | None
    reconnects: int
    last_error: str | None


@dataclass(frozen=True, slots=True)
class MethodStats:
    """The calls of one method that have ended, since they are counted.

    Attributes:
        by_status: How many by the name of the status they ended with, as ``"OK"`` or ``"DEADLINE_EXCEEDED"``.
        durations: How long they took, whatever they ended with.
    """

    by_status: Mapping[str, int]
    durations: Quantiles | None

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.by_status.values())


@dataclass(frozen=True, slots=True)
class ConfigurationStats:
    """A configuration in figures.

    Attributes:
        nodes: Its nodes, by ID.
        methods: The calls over its connections, by the full name of the method: also those to other nodes of the same
            `connect`.
    """

    nodes: Mapping[int, NodeStats]
    methods: Mapping[str, MethodStats]


def stats_of(nodes: Iterable[Node], observers: Observers) -> ConfigurationStats:
    """The figures of some nodes, and of the calls that are counted, which they are from now on."""
    return ConfigurationStats(nodes_in(nodes), methods_in(observers.count().calls))


def nodes_in(nodes: Iterable[Node]) -> dict[int, NodeStats]:
    """The figures of nodes, by ID. May be called in any thread."""
    return {node.id: _node(node) for node in nodes}


def _node(node: Node) -> NodeStats:
    channel = node.channel
    error = channel.last_error
    return NodeStats(
        node.id,
        node.address,
        "closed" if channel.closed else "connected" if channel.connected else "not connected",
        channel.waiting,
        channel.queued_bytes,
        channel.pending.latency,
        quantiles_of(tuple(channel.pending.recent)),
        max(channel.opened - 1, 0),
        None if error is None else str(error),
    )


def methods_in(counters: Mapping[str, MethodCounter]) -> dict[str, MethodStats]:
    """The figures of methods, by name. May be called in any thread."""
    return {name: _method(counter) for name, counter in tuple(counters.items()) if counter.by_status}


def _method(counter: MethodCounter) -> MethodStats:
    by_status = counter.by_status
    counts = {status: histogram.count for status, histogram in by_status.items()}
    return MethodStats(counts, Histogram.merged(by_status.values()).quantiles())
