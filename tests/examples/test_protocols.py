"""The register, Paxos and broadcast examples in processes of their own."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.programs import ENVIRONMENT, ROOT, free_addresses, run_module

Process = subprocess.Popen[str]


def start(*arguments: str) -> Process:
    """Start a module, and wait until it says that it is there."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert " is on " in process.stdout.readline()
    return process


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    started: list[Process] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def kill(process: Process) -> None:
    process.kill()
    process.communicate()


def told(module: str, *arguments: str) -> str:
    done = run_module(module, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.rstrip("\n")


def test_a_register_outlives_its_replicas(processes: list[Process], tmp_path: Path) -> None:
    module = "examples.register"
    addresses = list(free_addresses(3))
    serve = [(module, "--serve", address, "--data", str(tmp_path / str(n))) for n, address in enumerate(addresses)]
    processes += [start(*each) for each in serve]
    replicas = ("--replicas", ",".join(addresses))
    assert told(module, *replicas, "read", "a") == "nothing was written"
    assert told(module, *replicas, "write", "a", "1") == "written"
    kill(processes.pop())
    assert told(module, *replicas, "read", "a") == "1"
    while processes:
        kill(processes.pop())
    processes += [start(*each) for each in serve[1:]]
    assert told(module, *replicas, "read", "a") == "1"
    kill(processes.pop())
    failed = run_module(module, *replicas, "read", "a")
    assert failed.returncode == 1
    assert "python -m examples.register: " in failed.stderr


def test_what_paxos_has_decided_stays(processes: list[Process], tmp_path: Path) -> None:
    module = "examples.paxos"
    addresses = list(free_addresses(3))
    serve = [(module, "--serve", address, "--data", str(tmp_path / str(n))) for n, address in enumerate(addresses)]
    processes += [start(*each) for each in serve]
    acceptors = ("--acceptors", ",".join(addresses))
    assert told(module, *acceptors, "apple") == "apple"
    while processes:
        kill(processes.pop())
    processes += [start(*each) for each in serve[1:]]
    assert told(module, *acceptors, "pear") == "apple"


def test_a_broadcast_is_delivered_by_all(processes: list[Process]) -> None:
    addresses = list(free_addresses(4))
    module = "examples.bracha"
    processes += [start(module, "--member", str(n), *addresses) for n in range(1, 5)]
    assert processes[1].stdin is not None
    processes[1].stdin.write("hello\n")
    processes[1].stdin.flush()
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "2.1: hello\n"
    for process in processes:
        output, errors = process.communicate(timeout=30)
        assert (process.returncode, output) == (0, ""), errors


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("register", []),
        ("register", ["--serve", "127.0.0.1:0"]),
        ("counter", ["--serve", "127.0.0.1:0"]),
        ("paxos", ["apple"]),
        ("paxos", ["--serve", "127.0.0.1:0"]),
        ("bracha", ["--member", "5", "127.0.0.1:1"]),
    ],
)
def test_wrong_arguments(module: str, arguments: list[str]) -> None:
    done = run_module(f"examples.{module}", *arguments)
    assert done.returncode == 2
    assert f"usage: python -m examples.{module}" in done.stderr
