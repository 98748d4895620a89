"""How cases are judged: the kinds of figures that runs give, each beside what it has to be."""

from collections.abc import Callable, Mapping
from statistics import median

from benchmarks.measuring.measurement import Measurement, latency_of, ratio_of, throughput_of
from benchmarks.reach.cases import Figure, Runs
from benchmarks.reach.needs import Need
from benchmarks.transports import GRPC

__all__ = [
    "FLAT",
    "at_each",
    "both",
    "client_cost",
    "cost_at_more_nodes",
    "longer_than",
    "times_latency",
    "times_throughput",
]

Judge = Callable[[Runs], Figure]

FLAT = 1.3
"""How many times the cost of a node may be what it is among fewer nodes."""


def times_throughput(ours: Need, baseline: Need, least: float) -> Judge:
    """Calls a second, compared."""

    def judge(runs: Runs) -> Figure:
        ratio = ratio_of(runs[ours], runs[baseline])
        rate = median(map(throughput_of, runs[ours]))
        return Figure(f"{ratio:.2f} ({rate:,.0f}/s)", ratio >= least, {"ratio": ratio, "throughput": rate})

    return judge


def times_latency(ours: Need, baseline: Need, most: float) -> Judge:
    """Median latencies, compared."""

    def judge(runs: Runs) -> Figure:
        ratio = ratio_of(runs[ours], runs[baseline], latency_of)
        p50 = median(map(latency_of, runs[ours]))
        return Figure(f"{ratio:.2f} ({p50 * 1e6:,.0f} µs)", ratio <= most, {"latency_ratio": ratio, "p50": p50})

    return judge


def both(first: Judge, second: Judge) -> Judge:
    """Two figures, both of which have to be reached."""

    def judge(runs: Runs) -> Figure:
        one, other = first(runs), second(runs)
        return Figure(f"{one.text}; {other.text}", one.reached and other.reached, {**one.details, **other.details})

    return judge


def at_each(pairs: Mapping[int, tuple[Need, Need, float]]) -> Judge:
    """Calls a second of ours, compared with those of a baseline, at each number of callers with its target."""

    def judge(runs: Runs) -> Figure:
        ratios = {callers: ratio_of(runs[ours], runs[baseline]) for callers, (ours, baseline, _) in pairs.items()}
        return Figure(
            ", ".join(f"{ratio:.2f} at {callers}" for callers, ratio in ratios.items()),
            all(ratios[callers] >= least for callers, (_, _, least) in pairs.items()),
            {"ratios": ratios},
        )

    return judge


def longer_than(ours: Need, other: Need, most: float) -> Judge:
    """By how many seconds the median latency is above another one's."""

    def judge(runs: Runs) -> Figure:
        longer = median(latency_of(our) - latency_of(their) for our, their in zip(runs[ours], runs[other], strict=True))
        return Figure(f"{longer * 1e6:,.0f} µs", longer <= most, {"longer": longer})

    return judge


def cost_at_more_nodes(few: Need, many: Need) -> Judge:
    """What each node costs client and servers for a call, at more nodes compared with at fewer; `FLAT` is the most."""

    def cost(nodes: int) -> Callable[[Measurement], float]:
        return lambda run: (run.client_cpu + (run.servers_cpu or 0.0)) / nodes

    def judge(runs: Runs) -> Figure:
        pairs = list(zip(runs[many], runs[few], strict=True))
        ratio = median(cost(many.nodes)(more) / cost(few.nodes)(less) for more, less in pairs)
        wall = median(less.throughput * few.nodes / (more.throughput * many.nodes) for more, less in pairs)
        each = median(map(cost(many.nodes), runs[many]))
        return Figure(
            f"{ratio:.2f} in processor time ({each * 1e6:.1f} µs), {wall:.2f} in time",
            max(ratio, wall) <= FLAT,
            {"cpu_ratio": ratio, "time_ratio": wall, "cpu": each},
        )

    return judge


def client_cost(few: Need, many: Need, most: float, *, flat: bool) -> Judge:
    """The client's processor time for a node and call, compared with that of the grpc transport.

    Args:
        few: Calls to some nodes.
        many: Calls to many.
        most: How many times that of the grpc transport it may be at either number.
        flat: Whether many nodes must not cost more each than some do.
    """

    def judge(runs: Runs) -> Figure:
        cost = {need.nodes: median(run.client_cpu for run in runs[need]) / need.nodes for need in (few, many)}
        ratios = {need.nodes: ratio_of(runs[need], runs[need.on(GRPC)], _client_cpu) for need in (few, many)}
        growth = cost[many.nodes] / cost[few.nodes]
        text = ", ".join(f"{ratio:.2f} at {nodes} ({cost[nodes] * 1e6:.1f} µs)" for nodes, ratio in ratios.items())
        reached = max(ratios.values()) <= most and (growth <= FLAT or not flat)
        details = {"ratios": ratios, "client_cpu": cost, "growth": growth}
        return Figure(f"{text}; {growth:.2f} × from {few.nodes} to {many.nodes}" if flat else text, reached, details)

    return judge


def _client_cpu(run: Measurement) -> float:
    return run.client_cpu
