"""Cases that have to be reached: what they need, how they are judged, and that all they need is measured."""

import pytest

from benchmarks.measuring.measurement import Measurement
from benchmarks.measuring.options import Options
from benchmarks.measuring.profiling import Profiler
from benchmarks.reach.cases import Figure, RatioCase, Runs
from benchmarks.reach.judges import (
    Judge,
    at_each,
    both,
    client_cost,
    cost_at_more_nodes,
    longer_than,
    times_latency,
    times_throughput,
)
from benchmarks.reach.needs import Kind, Need
from benchmarks.reach.ratio_cases import RATIO_CASES
from benchmarks.reach.running import run_cases
from benchmarks.reports.progress import NoProgress
from benchmarks.servers.local import in_turn
from benchmarks.statistics.latency import Latency
from benchmarks.transports import GRPC
from tests.support.waiting import within

LIMIT = 50.0
"""Seconds. Processes that import grpc take a while to start on a loaded machine."""

OURS = Need(Kind.QUORUM_CALL)
OTHER = Need(Kind.B)
FEW = Need(Kind.QUORUM_CALL, nodes=10)
MANY = Need(Kind.QUORUM_CALL, nodes=100)


def run(throughput: float = 1.0, p50: float = 1.0, client: float = 0.0, servers: float | None = 0.0) -> Measurement:
    return Measurement(throughput, Latency(p50, 0.0, p50, None, None), client, servers, 0, None, None)


def runs(transport: str = GRPC, /, **of: list[Measurement]) -> Runs:
    """Of `OURS` and `OTHER`, or of `FEW` and `MANY`, which on the grpc transport are ``few_grpc`` and ``many_grpc``."""
    needs = {"ours": OURS, "other": OTHER, "few": FEW, "many": MANY}
    measured = {needs[name].on(transport): found for name, found in of.items() if name in needs}
    measured |= {needs[name[:-5]].on(GRPC): found for name, found in of.items() if name.endswith("_grpc")}
    return Runs(measured, transport)


@pytest.mark.parametrize(
    ("judge", "found", "text", "reached"),
    [
        (
            times_throughput(OURS, OTHER, 3.0),
            runs(ours=[run(30.0), run(900.0), run(60.0)], other=[run(10.0), run(200.0), run(30.0)]),
            "3.00 (60/s)",
            True,
        ),
        (times_throughput(OURS, OTHER, 3.0), runs(ours=[run(299.0)], other=[run(100.0)]), "2.99 (299/s)", False),
        (times_latency(OURS, OTHER, 0.5), runs(ours=[run(p50=5e-5)], other=[run(p50=1e-4)]), "0.50 (50 µs)", True),
        (times_latency(OURS, OTHER, 0.5), runs(ours=[run(p50=6e-5)], other=[run(p50=1e-4)]), "0.60 (60 µs)", False),
        (
            both(times_throughput(OURS, OTHER, 2.0), times_latency(OURS, OTHER, 0.5)),
            runs(ours=[run(2.0, 6e-5)], other=[run(1.0, 1e-4)]),
            "2.00 (2/s); 0.60 (60 µs)",
            False,
        ),
        (
            at_each({1: (OURS, OTHER, 2.0), 50: (OTHER, OURS, 0.4)}),
            runs(ours=[run(2.0)], other=[run(1.0)]),
            "2.00 at 1, 0.50 at 50",
            True,
        ),
        (
            at_each({1: (OURS, OTHER, 2.0), 50: (OTHER, OURS, 0.6)}),
            runs(ours=[run(2.0)], other=[run(1.0)]),
            "2.00 at 1, 0.50 at 50",
            False,
        ),
        (longer_than(OURS, OTHER, 25e-6), runs(ours=[run(p50=1.2e-4)], other=[run(p50=1e-4)]), "20 µs", True),
        (longer_than(OURS, OTHER, 25e-6), runs(ours=[run(p50=1.3e-4)], other=[run(p50=1e-4)]), "30 µs", False),
        (longer_than(OURS, OTHER, 25e-6), runs(ours=[run(p50=0.9e-4)], other=[run(p50=1e-4)]), "-10 µs", True),
        (
            cost_at_more_nodes(FEW, MANY),
            runs(few=[run(10.0, client=6e-5, servers=4e-5)], many=[run(1.0, client=8e-4, servers=4e-4)]),
            "1.20 in processor time (12.0 µs), 1.00 in time",
            True,
        ),
        (
            cost_at_more_nodes(FEW, MANY),
            runs(few=[run(20.0, client=1e-4)], many=[run(1.0, client=1e-3)]),
            "1.00 in processor time (10.0 µs), 2.00 in time",
            False,
        ),
    ],
)
def test_cases_are_judged(judge: Judge, found: Runs, text: str, *, reached: bool) -> None:
    figure = judge(found)
    assert (figure.text, figure.reached) == (text, reached)


@pytest.mark.parametrize(
    ("few", "many", "reached"),
    [(2e-4, 2e-3, True), (2e-4, 2.5e-3, True), (2e-4, 2.9e-3, False), (4e-4, 3e-3, False), (3e-4, 3.1e-3, False)],
)
def test_the_cost_of_a_node_is_judged_beside_the_grpc_transport(few: float, many: float, *, reached: bool) -> None:
    # The grpc transport costs 100 µs a node.
    grpc = {"few_grpc": [run(client=1e-3)], "many_grpc": [run(client=1e-2)]}
    found = runs("asyncio", few=[run(client=few)], many=[run(client=many)], **grpc)
    figure = client_cost(FEW, MANY, 0.3, flat=True)(found)
    assert figure.details["client_cpu"] == {10: pytest.approx(few / 10), 100: pytest.approx(many / 100)}
    assert figure.details["ratios"] == {10: pytest.approx(few / 1e-3), 100: pytest.approx(many / 1e-2)}
    assert figure.reached == reached


def test_growth_is_only_judged_where_it_must_be_flat() -> None:
    found = runs(few=[run(client=1e-3)], many=[run(client=9e-2)])
    assert client_cost(FEW, MANY, 1.0, flat=False)(found).reached
    assert not client_cost(FEW, MANY, 1.0, flat=True)(found).reached


def test_a_need_takes_the_transport_of_the_program_where_it_says_nothing() -> None:
    need = Need(Kind.QUORUM_CALL, servers=GRPC).on("asyncio")
    assert (need.client, need.servers) == ("asyncio", GRPC)
    assert need.on(GRPC) == need
    assert OURS.on(GRPC) == Need(Kind.QUORUM_CALL, client=GRPC, servers=GRPC)


def test_what_is_measured_is_told_apart() -> None:
    needs = {need.on("asyncio") for case in RATIO_CASES for need in case.needs}
    assert len({need.label for need in needs}) == len(needs)
    assert len({case.name for case in RATIO_CASES}) == len(RATIO_CASES)


def test_neighbours_are_in_different_processes() -> None:
    assert in_turn([["a", "b", "c"], ["d", "e"]]) == ["a", "d", "b", "e", "c"]
    assert in_turn([["a"], ["b"], ["c"]]) == ["a", "b", "c"]


async def test_each_need_is_measured_once_in_each_round() -> None:
    needs = (
        *(Need(kind, 2) for kind in (Kind.ASYNC_QUORUM_CALL, Kind.CORRECTABLE, Kind.MULTICAST)),
        *(Need(kind, 2, nodes=1) for kind in (Kind.RPC, Kind.PLAIN_RPC)),
        *(Need(kind, 2, nodes=5, payload=100) for kind in (Kind.QUORUM_CALL, Kind.A, Kind.B, Kind.R)),
        Need(Kind.QUORUM_CALL, 2, nodes=4, batching=False),
    )

    def judge(_: Runs) -> Figure:
        return Figure("", reached=True)

    cases = [RatioCase("one", "", "", needs, judge), RatioCase("other", "", "", needs[:2], judge)]
    options = Options(seconds=0.02, warmup=0.0, rounds=2)
    found = await within(run_cases(cases, options, NoProgress(), Profiler(None)), LIMIT)
    assert len(found.measured) == len(needs)
    for need in needs:
        assert len(found[need]) == 2
        assert all(run.throughput > 0 and run.servers_cpu is not None for run in found[need])
