"""The program, end to end, with servers in processes of their own. No figure is compared with anything."""

import asyncio
import importlib.util
import json
import os
import pstats
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks.command_line import parse_arguments
from benchmarks.commands import execute
from benchmarks.program import run
from tests.support.waiting import within

ROOT = Path(__file__).parents[2]
LIMIT = 50.0
"""Seconds. Four processes that import grpc take a while to start on a loaded machine."""

# Not the verbosity that pygorums has set in this process.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "GRPC_VERBOSITY"} | {
    "PYTHONWARNINGS": "error",
    "PYTHONUTF8": "1",
}
BENCHMARKS = (
    *("QuorumCall", "AsyncQuorumCall", "SlowServer", "Multicast", "RPC", "Correctable"),
    *("SyncQuorumCall", "SyncAsyncQuorumCall"),
)
FACADE_CASES = ("sync-sequential", "sync-threads-32", "sync-async-1000")
QUICK = ("--time", "20ms", "--warmup", "1ms", "--rounds", "1")

# A program like any other, but for what large payloads take and do not prove.
SHORT_SWEEP = """
import runpy
from dataclasses import replace
from benchmarks import sweep
sweep.AXES = [replace(axis, values=axis.values[0:3:2]) for axis in sweep.AXES]
runpy.run_module("benchmarks", run_name="__main__", alter_sys=True)
"""


async def benchmarks(
    *arguments: str, status: int = 0, program: Sequence[str] = ("-m", "benchmarks")
) -> tuple[str, str]:
    """What ``python -m benchmarks`` says to standard output and standard error."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *program, *arguments),
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await within(process.communicate(), LIMIT)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    assert process.returncode == status, errors.decode()
    return output.decode(), errors.decode()


@asynccontextmanager
async def server() -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """A server in a process of its own, and its address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks", "--server", "127.0.0.1:0"),
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = (await within(process.stdout.readline(), LIMIT)).decode()
        assert line.startswith("Started benchmark server on 127.0.0.1:")
        yield line.split()[-1], process
    finally:
        if process.returncode is None:
            process.kill()
        await within(process.communicate())


@pytest.mark.timeout(120)
async def test_all_benchmarks_beside_the_baselines(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    output, errors = await benchmarks(
        *(*QUICK, "--concurrent", "1,4", "--threads", "1,2", "--max-async", "10", "--json", str(file))
    )
    assert errors == ""
    lines = [line.split("  ")[0].strip() for line in output.splitlines()]
    names = (*BENCHMARKS, "A", "B", "C", "R")
    assert all(name in lines for name in names)
    for figure in ("a call of a single thread takes ", "2 threads make ", "10 in flight by futures are "):
        assert f"\n  {figure}" in output

    report = json.loads(file.read_text())
    assert report["options"]["rounds"] == 1
    assert report["machine"]["cores"] == os.cpu_count()
    rows: dict[tuple[str, int], Any] = {(row["name"], row["in_flight"]): row for row in report["rows"]}
    for name, in_flight in (
        *((name, callers) for name in ("QuorumCall", "SlowServer", "RPC", "Correctable") for callers in (1, 4)),
        *(("AsyncQuorumCall", 10), ("Multicast", 10)),
        *(("SyncQuorumCall", 1), ("SyncQuorumCall", 2), ("SyncAsyncQuorumCall", 10)),
    ):
        row = rows.pop((name, in_flight))
        others = {"C", "asyncio"} if name.startswith("Sync") else {"A", "B"}
        others |= {"R"} if name in {"QuorumCall", "RPC", "Correctable"} else set()
        assert row["ratios"].keys() == others
        assert all(ratio > 0 for ratio in row["ratios"].values())
        assert len(row["runs"]) == 1
        assert row["median"]["throughput"] > 0
        assert row["median"]["servers_cpu"] >= 0
        latency = row["median"]["latency"]
        assert 0 < latency["p50"] <= latency["p99"] <= latency["p999"]
    assert rows.pop(("QuorumCall", 2))["ratios"] == {}  # it is there for two threads to be compared with
    assert all(name[0] in "ABCR" and row["ratios"] == {} for (name, _), row in rows.items())
    assert {
        ("A", 1),
        ("A", 4),
        ("B", 10),
        ("A (slow servers)", 4),
        ("A (1 node)", 1),
        ("C", 1),
        ("C", 2),
        ("R", 4),
        ("R (1 node)", 1),
    } <= rows.keys()


async def test_servers_that_run_elsewhere() -> None:
    async with server() as (first, _), server() as (second, process):
        output, errors = await benchmarks(
            *QUICK, *("--remotes", f"{first},{second}", "--benchmarks", "^QuorumCall$", "--json", "-")
        )
        assert errors == ""
        report = json.loads(output)
        assert report["options"]["quorum_size"] == 2
        assert [row["name"] for row in report["rows"]] == ["QuorumCall", "QuorumCall", "A", "A", "B", "B", "R", "R"]
        process.send_signal(signal.SIGTERM)
        assert await within(process.wait()) == 0


async def test_a_profile_of_client_and_servers(tmp_path: Path) -> None:
    file = tmp_path / "profile"
    output, _ = await benchmarks(
        *QUICK, *("--benchmarks", "RPC", "--config-size", "1", "--concurrent", "1", "--profile", str(file))
    )
    assert "The profiler was at work" in output
    for path, function in ((file, "rpc"), (tmp_path / "profile.server1", "quorum_call")):
        profiled = pstats.Stats(str(path)).get_stats_profile().func_profiles
        assert function in profiled


async def test_a_sweep(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    output, errors = await benchmarks(
        "sweep", *QUICK, "--benchmarks", "payload", "--output", str(folder), program=("-c", SHORT_SWEEP)
    )
    assert errors == ""
    figures = json.loads((folder / "sweep.json").read_text())["axes"]["payload"]
    assert {point["subject"] for point in figures} == {"pygorums", "A", "B", "R"}
    assert all(point["median"]["throughput"] > 0 for point in figures)
    assert [point["value"] for point in figures if point["subject"] == "A"] == [0, 1024]
    text = (folder / "sweep.md").read_text()
    assert "| bytes of payload | pygorums calls/s | A calls/s | B calls/s | R calls/s |" in text
    assert "| 1,024 | " in text
    assert text.split("\n\n", 1)[1].strip() in output
    if importlib.util.find_spec("matplotlib"):
        assert "<svg" in (folder / "payload.svg").read_text()
    else:
        assert "No plots were drawn: they need matplotlib" in output


async def test_uvloop() -> None:
    pytest.importorskip("uvloop", reason="--uvloop needs uvloop: pip install 'pygorums[bench]'")
    chosen = ("--benchmarks", "^(Multicast|RPC)$", "--concurrent", "2", "--max-async", "10", "--config-size", "1")
    output, errors = await benchmarks(*QUICK, "--uvloop", *chosen)
    assert errors == ""
    names = [line.split("  ")[0] for line in output.splitlines()]
    assert {"Multicast", "RPC", "A (1 node)", "B (1 node)", "R (1 node)"} <= set(names)


async def test_the_case_of_uvloop() -> None:
    pytest.importorskip("uvloop", reason="--uvloop needs uvloop: pip install 'pygorums[bench]'")
    output, errors = await benchmarks("reach", *QUICK, "--uvloop", "--benchmarks", "^sequential-uvloop", "--json", "-")
    assert errors == ""
    assert list(json.loads(output)["cases"]) == ["sequential-uvloop"]


async def test_the_cases_that_compare() -> None:
    chosen = "^(sequential|rpc|multicast|correctable|unbatched|plain-handler|sync-)"
    output, errors = await benchmarks("reach", *QUICK, "--benchmarks", chosen, "--json", "-")
    assert errors == ""
    cases = json.loads(output)["cases"]
    assert list(cases) == [
        *("sequential", "sequential-raw", "rpc", "multicast", "correctable-50"),
        *("unbatched", "unbatched-grpc", "plain-handler", *FACADE_CASES),
    ]
    assert all(case["target"] and case["figure"] and isinstance(case["reached"], bool) for case in cases.values())


async def test_a_node_that_does_not_answer_keeps_a_bounded_queue() -> None:
    output, errors = await benchmarks("reach", *QUICK, "--benchmarks", "silent")
    assert errors == ""
    assert "queue bounded" in output


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["--list"], [*BENCHMARKS]),
        (
            ["reach", "--list"],
            [
                *("sequential", "sequential-uvloop", "sequential-raw", "rpc", "callers-50", "callers-200"),
                *("async-1000", "multicast", "correctable-50", "nodes-50", "client-cpu", "client-cpu-50"),
                *("payload-64k", "payload-1m", "unbatched", "unbatched-grpc", "plain-handler", *FACADE_CASES),
                *("pending", "silent-node", "counted", "sampled", "abandoned-spans", "scrape"),
                *("session-sequential", "session-rpc", "session-50", "session-async-1000", "session-multicast"),
            ],
        ),
    ],
)
def test_lists(arguments: list[str], lines: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert in_this_process(arguments) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == lines


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--benchmarks", "Paxos"], "no benchmark's name matches 'Paxos': there are QuorumCall, AsyncQuorumCall, "),
        (["reach", "--benchmarks", "Paxos"], "no case's name matches 'Paxos': there are sequential, "),
        (["reach", "--benchmarks", "uvloop"], "sequential-uvloop is measured with --uvloop"),
        (["sweep", "--benchmarks", "Paxos"], "nothing to vary matches 'Paxos': there are concurrency, "),
        (["--server", "localhost"], "invalid address 'localhost': "),
        (["--server", "192.0.2.1:8080"], "cannot listen on 192.0.2.1:8080: "),
        (["--remotes", "localhost"], "invalid address 'localhost': "),
    ],
)
def test_what_cannot_be_done(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert in_this_process(arguments) == 1
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith(f"python -m benchmarks: {message}")
    assert errors.count("\n") == 1


def in_this_process(arguments: list[str]) -> int:
    options = parse_arguments(arguments)
    return run(execute(options), uvloop=options.uvloop)


async def test_the_program_has_that_status_and_says_so() -> None:
    output, errors = await benchmarks("--benchmarks", "Paxos", status=1)
    assert output == ""
    assert errors.startswith("python -m benchmarks: no benchmark's name matches 'Paxos': ")
