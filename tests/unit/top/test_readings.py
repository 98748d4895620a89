"""Rows of servers and methods, and what has changed between two rounds."""

from pygorums.introspection.introspection_pb2 import MethodStats, NodeStats, Quantiles, ServerStats
from pygorums.top.readings import Reading, method_rows, server_rows


def method(name: str, p50: float = 0.0, p99: float = 0.0, **by_status: int) -> MethodStats:
    return MethodStats(name=name, by_status=by_status, durations=Quantiles(p50=p50, p99=p99))


def test_rates_between_two_rounds() -> None:
    before = Reading(10.0, {"a:1": ServerStats(methods=[method("m", OK=10), method("n", OK=1, UNKNOWN=1)])})
    now = Reading(12.0, {"a:1": ServerStats(methods=[method("m", OK=30), method("n", OK=1, UNKNOWN=7)])})
    (row,) = server_rows(["a:1"], now, before)
    assert (row.rate, row.failed) == (13.0, 3.0)
    assert [(row.name, row.count, row.rate) for row in method_rows(now, before)] == [("m", 30, 10.0), ("n", 8, 3.0)]


def test_no_rate_is_made_up() -> None:
    """Not in the first round, nor of a server that did not answer, or has begun anew."""
    stats = ServerStats(methods=[method("m", OK=5)])
    older = ServerStats(methods=[method("m", OK=50)])
    for before in (None, Reading(0.0), Reading(0.0, {"a:1": older})):
        (row,) = server_rows(["a:1"], Reading(1.0, {"a:1": stats}), before)
        assert (row.rate, row.failed) in ((None, None), (None, 0.0))
    (method_row,) = method_rows(Reading(1.0, {"a:1": stats}), None)
    assert method_row.rate is None
    now = Reading(1.0, {"a:1": ServerStats(methods=[method("m", OK=51)]), "b:1": stats})
    assert method_rows(now, Reading(0.0, {"a:1": older}))[0].rate == 1.0, "of those that answered both times"


def test_methods_of_all_servers() -> None:
    now = Reading(
        0.0,
        {
            "a:1": ServerStats(methods=[method("z", 0.1, 0.2, OK=1), method("y", OK=1)]),
            "b:1": ServerStats(methods=[method("z", 0.05, 0.9, OK=2, UNAVAILABLE=1, UNKNOWN=5)]),
        },
    )
    y, z = method_rows(now, None)
    assert (y.name, z.name) == ("y", "z")
    assert (z.count, z.p50, z.p99) == (9, 0.1, 0.9)
    assert z.statuses == [("UNKNOWN", 5), ("UNAVAILABLE", 1)]


def test_servers_in_the_given_order() -> None:
    nodes = [
        NodeStats(id=1, state="connected"),
        NodeStats(id=1, state="not connected", inbound=True),
        NodeStats(id=2, state="not connected"),
    ]
    now = Reading(0.0, {"a:1": ServerStats(nodes=nodes)}, {"b:1": "gone"})
    silent, row = server_rows(["b:1", "a:1"], now, None)
    assert (silent.address, silent.stats, silent.error) == ("b:1", None, "gone")
    assert (row.up, row.known) == (1, 2)
