"""What servers have said of themselves, and what has changed since they said it before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pygorums.introspection.introspection_pb2 import MethodStats, ServerStats

__all__ = ["MethodRow", "Reading", "ServerRow", "method_rows", "server_rows"]

OK = "OK"


@dataclass(frozen=True, slots=True)
class Reading:
    """The answers of one round.

    Attributes:
        at: When it was, in seconds.
        stats: What each server has said, by its address.
        errors: Why the others have said nothing.
    """

    at: float
    stats: Mapping[str, ServerStats] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServerRow:
    """One server.

    Attributes:
        address: Where it was asked.
        stats: What it has said; None if it has said nothing.
        error: Why it has said nothing.
        rate: Requests in a second since the round before; None if that is not known.
        failed: The same of those that have failed.
        up: How many of the nodes that it knows are connected.
        known: How many it knows.
    """

    address: str
    stats: ServerStats | None
    error: str
    rate: float | None
    failed: float | None
    up: int
    known: int


@dataclass(frozen=True, slots=True)
class MethodRow:
    """One method, at all servers together.

    Attributes:
        name: Its full name.
        count: How many requests there were.
        rate: Requests in a second since the round before; None if that is not known.
        statuses: How many have ended with what, but for those that have succeeded; the most frequent first.
        p50: The longest of the servers' medians, in seconds.
        p99: The longest of their 99th percentiles.
    """

    name: str
    count: int
    rate: float | None
    statuses: Sequence[tuple[str, int]]
    p50: float
    p99: float


def server_rows(addresses: Iterable[str], now: Reading, before: Reading | None) -> list[ServerRow]:
    """The servers, in the given order."""
    rows = []
    for address in addresses:
        stats = now.stats.get(address)
        rate = failed = None
        up = known = 0
        if stats is not None:
            old = before.stats.get(address) if before is not None else None
            if old is not None and before is not None:
                rate = _rate(_total(stats.methods), _total(old.methods), now.at - before.at)
                failed = _rate(_failed(stats.methods), _failed(old.methods), now.at - before.at)
            connected = {node.id for node in stats.nodes if node.state == "connected"}
            up, known = len(connected), len({node.id for node in stats.nodes})
        rows.append(ServerRow(address, stats, now.errors.get(address, ""), rate, failed, up, known))
    return rows


def method_rows(now: Reading, before: Reading | None) -> list[MethodRow]:
    """All methods of all servers, by name. Rates are those of the servers that have answered both times."""
    names = sorted({method.name for stats in now.stats.values() for method in stats.methods})
    rows = []
    for name in names:
        methods = _of_all(now.stats.values(), name)
        rate = None
        if before is not None:
            both = [address for address in now.stats if address in before.stats]
            new = _total(_of_all((now.stats[address] for address in both), name))
            old = _total(_of_all((before.stats[address] for address in both), name))
            rate = _rate(new, old, now.at - before.at)
        statuses: dict[str, int] = {}
        for method in methods:
            for status, count in method.by_status.items():
                statuses[status] = statuses.get(status, 0) + count
        count = sum(statuses.values())
        statuses.pop(OK, None)
        by_count = sorted(statuses.items(), key=lambda item: (-item[1], item[0]))
        p50, p99 = (max(getattr(method.durations, which) for method in methods) for which in ("p50", "p99"))
        rows.append(MethodRow(name, count, rate, by_count, p50, p99))
    return rows


def _of_all(servers: Iterable[ServerStats], name: str) -> list[MethodStats]:
    return [method for stats in servers for method in stats.methods if method.name == name]


def _total(methods: Iterable[MethodStats]) -> int:
    return sum(sum(method.by_status.values()) for method in methods)


def _failed(methods: Iterable[MethodStats]) -> int:
    return sum(count for method in methods for status, count in method.by_status.items() if status != OK)


def _rate(now: int, before: int, seconds: float) -> float | None:
    """None also where a server has begun to count anew."""
    return (now - before) / seconds if seconds > 0 and now >= before else None
