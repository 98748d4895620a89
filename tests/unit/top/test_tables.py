"""What is shown."""

import io

import pytest
from rich.console import Console

from pygorums.introspection.introspection_pb2 import NodeStats, ServerStats
from pygorums.top.readings import MethodRow, ServerRow
from pygorums.top.tables import duration, number, tables


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "–"), (2.5e-6, "2.5 µs"), (0.000999, "999 µs"), (0.0123, "12.3 ms"), (1.0, "1 s"), (75.0, "75 s")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0.0, "0"), (0.25, "0.2"), (9.96, "10.0"), (12345.6, "12,346")]
)
def test_numbers(value: float | None, text: str) -> None:
    assert number(value) == text


def printed(servers: list[ServerRow], methods: list[MethodRow]) -> list[str]:
    console = Console(file=io.StringIO(), width=120)
    console.print(tables(servers, methods))
    assert isinstance(console.file, io.StringIO)
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines() if line.strip()]


def test_the_tables() -> None:
    nodes = [NodeStats(id=2, address="b:1", state="not connected", last_error="refused"), NodeStats(id=3, inbound=True)]
    stats = ServerStats(node_id=1, running=2, streams=3, held_bytes=5 << 20, nodes=nodes)
    servers = [
        ServerRow("a:1", stats, "", 120.0, 0.5, 0, 2),
        ServerRow("c:1", None, "UNAVAILABLE: gone", None, None, 0, 0),
    ]
    methods = [MethodRow("register.Register.Read", 1804, 60.0, [("UNKNOWN", 4)], 0.0021, 0.5)]
    assert printed(servers, methods) == [
        "server node nodes up requests/s failed/s running streams held",
        "a:1 1 0 of 2 120 0.5 2 3 5 MiB",
        "c:1 no answer",
        "method requests/s requests p50 p99 failed with",
        "register.Register.Read 60 1,804 2.1 ms 500 ms UNKNOWN 4",
        "c:1: UNAVAILABLE: gone",
        "a:1 cannot reach node 2 (b:1): refused",
    ]


def test_what_servers_say_is_shown_and_not_obeyed() -> None:
    """Names of methods and texts of errors may have been chosen by somebody else."""
    servers = [ServerRow("a:1", None, "\x1b[31mred [bold]", None, None, 0, 0)]
    lines = printed(servers, [MethodRow("\x1b[2J[red]m", 1, None, [("[/]\n", 1)], 0.0, 0.0)])
    assert not any("\x1b" in line for line in lines)
    assert any("[red]m" in line for line in lines)
    assert any("[bold]" in line for line in lines)
