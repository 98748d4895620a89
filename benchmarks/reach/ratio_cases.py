"""The cases that compare throughput, latency or cost with those of something else measured in turn."""

from collections.abc import Iterator

from benchmarks.reach.cases import RatioCase
from benchmarks.reach.judges import (
    FLAT,
    at_each,
    both,
    client_cost,
    cost_at_more_nodes,
    longer_than,
    times_latency,
    times_throughput,
)
from benchmarks.reach.needs import Kind, Need
from benchmarks.transports import GRPC

__all__ = ["RATIO_CASES"]

LARGE_CALLERS = 16

IN_FLIGHT = 1000
"""Asynchronous calls."""

THREADS = 32

_LONE = Need(Kind.QUORUM_CALL)
_BUSY = Need(Kind.QUORUM_CALL, 50)
_FUTURES = Need(Kind.ASYNC_QUORUM_CALL, IN_FLIGHT)
_A = Need(Kind.A)
_A_BUSY = Need(Kind.A, 50)
"""More callers do not make it faster."""


def _faster(
    name: str, description: str, ours: Need, least: float, baseline: Need, called: str, *, on_uvloop: bool = False
) -> RatioCase:
    """A case of calls a second."""
    target = f"≥ {least:g} × {called}"
    judge = times_throughput(ours, baseline, least)
    return RatioCase(name, description, target, (baseline, ours), judge, on_uvloop)


def _sequential() -> Iterator[RatioCase]:
    b, r = Need(Kind.B), Need(Kind.R)
    yield RatioCase(
        "sequential",
        "one caller of quorum calls",
        "≥ 5 × A; ≤ 0.45 × latency of B",
        (_A, b, _LONE),
        both(times_throughput(_LONE, _A, 5), times_latency(_LONE, b, 0.45)),
    )
    yield _faster("sequential-uvloop", "the same on uvloop", _LONE, 7, _A, "A", on_uvloop=True)
    yield RatioCase(
        "sequential-raw",
        "the same, beside messages over plain TCP",
        "≤ 1.6 × latency of R",
        (r, _LONE),
        times_latency(_LONE, r, 1.6),
    )
    yield _faster(
        "rpc", "one caller of RPCs to one node", Need(Kind.RPC, nodes=1), 2, Need(Kind.B, nodes=1), "B with one node"
    )


def _concurrent() -> Iterator[RatioCase]:
    yield _faster("callers-50", "50 callers of quorum calls", _BUSY, 50, _A_BUSY, "A")
    yield _faster("callers-200", "200 callers of quorum calls", Need(Kind.QUORUM_CALL, 200), 75, _A_BUSY, "A at 50")
    yield _faster(
        f"async-{IN_FLIGHT}", f"{IN_FLIGHT} asynchronous quorum calls in flight", _FUTURES, 90, _A_BUSY, "A at 50"
    )
    yield _faster(
        "multicast",
        "multicasts, each received by all three nodes",
        Need(Kind.MULTICAST, IN_FLIGHT),
        150,
        _A_BUSY,
        "A at 50, per delivery",
    )
    yield _faster(
        "correctable-50",
        "50 callers that watch a correctable",
        Need(Kind.CORRECTABLE, 50),
        0.75,
        _BUSY,
        "that of quorum calls",
    )


def _nodes() -> Iterator[RatioCase]:
    many = Need(Kind.QUORUM_CALL, 50, nodes=50)
    yield RatioCase(
        "nodes-50",
        "cost per node and call with 50 nodes in 2 processes, 50 callers",
        f"≤ {FLAT} × that with 3 nodes",
        (_BUSY, many),
        cost_at_more_nodes(_BUSY, many),
    )
    for name, callers, most, flat in (("client-cpu", 1, 0.3, True), ("client-cpu-50", 50, 1.0, False)):
        few, many = (Need(Kind.QUORUM_CALL, callers, nodes=nodes) for nodes in (10, 100))
        yield RatioCase(
            name,
            f"client's processor time for a node and quorum call, {callers} caller{'s' * (callers > 1)}",
            f"≤ {most:g} × that on the grpc transport" + f", and at 100 nodes ≤ {FLAT} × that at 10" * flat,
            (few, few.on(GRPC), many, many.on(GRPC)),
            client_cost(few, many, most, flat=flat),
        )


def _payloads() -> Iterator[RatioCase]:
    for name, size, title, least in (("64k", 64 << 10, "64 KiB", 2), ("1m", 1 << 20, "1 MiB", 1)):
        ours, b = (Need(kind, LARGE_CALLERS, payload=size) for kind in (Kind.QUORUM_CALL, Kind.B))
        yield _faster(
            f"payload-{name}", f"payloads of {title}, {LARGE_CALLERS} callers", ours, least, b, "bytes/s of B"
        )


def _unbatched() -> Iterator[RatioCase]:
    least = {1: 2.0, 50: 6.0, 200: 6.0}
    pairs = {n: (Need(Kind.QUORUM_CALL, n, batching=False), Need(Kind.B, n), least[n]) for n in least}
    yield RatioCase(
        "unbatched",
        "quorum calls to peers that do not batch",
        f"≥ {', '.join(f'{ratio:g}' for ratio in least.values())} × B at {', '.join(map(str, least))} callers",
        tuple(need for ours, b, _ in pairs.values() for need in (b, ours)),
        at_each(pairs),
    )
    ours = Need(Kind.QUORUM_CALL, 50, batching=False, servers=GRPC)
    yield _faster(
        "unbatched-grpc", "the same to servers on the grpc transport, 50 callers", ours, 1.1, Need(Kind.B, 50), "B"
    )


def _handlers() -> Iterator[RatioCase]:
    plain, coroutine = Need(Kind.PLAIN_RPC, nodes=1), Need(Kind.RPC, nodes=1)
    yield RatioCase(
        "plain-handler",
        "RPCs to a plain `def` handler, one caller",
        "≤ 25 µs more than to an `async def` one",
        (coroutine, plain),
        longer_than(plain, coroutine, 25e-6),
    )


def _blocking() -> Iterator[RatioCase]:
    yield _faster(
        "sync-sequential",
        "one thread of blocking quorum calls",
        Need(Kind.SYNC_QUORUM_CALL),
        0.6,
        _LONE,
        "that with asyncio",
    )
    yield _faster(
        f"sync-threads-{THREADS}",
        f"{THREADS} threads of blocking quorum calls",
        Need(Kind.SYNC_QUORUM_CALL, THREADS),
        8,
        Need(Kind.C, THREADS),
        "C",
    )
    yield _faster(
        f"sync-async-{IN_FLIGHT}",
        f"{IN_FLIGHT} asynchronous quorum calls of one thread in flight",
        Need(Kind.SYNC_ASYNC_QUORUM_CALL, IN_FLIGHT),
        0.5,
        _FUTURES,
        "that with asyncio",
    )


RATIO_CASES = (
    *_sequential(),
    *_concurrent(),
    *_nodes(),
    *_payloads(),
    *_unbatched(),
    *_handlers(),
    *_blocking(),
)
