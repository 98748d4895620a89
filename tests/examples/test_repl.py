"""``python -m examples.storage`` with its commands in a pipe."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from examples.storage.repl import interruptible
from examples.storage.server import StorageImpl
from examples.storage.storage_gorums import write_multicast, write_qc
from examples.storage.storage_pb2 import WriteRequest
from tests.examples.programs import ENVIRONMENT, ROOT, START_LIMIT, StorageServer, refusing_address, run_storage
from tests.support.cluster import cluster_of
from tests.support.waiting import within

NO_PEERS = "requires server peer configuration; start it with its peers"


def test_the_two_lines_of_a_first_try() -> None:
    completed = run_storage(stdin="qc write greeting hello\nqc read greeting\n")
    assert completed.stdout == "Write OK\ngreeting = hello\n"
    assert completed.stderr == ""
    assert completed.returncode == 0


SESSION = [
    ("qc write greeting hello", ["Write OK"]),
    ("qc read greeting", ["greeting = hello"]),
    ("rpc 0 read greeting", ["greeting = hello"]),
    ("ucast 1 greeting world", ["Unicast OK"]),
    ("rpc 1 read greeting", ["greeting = world"]),
    ("rpc 0 read greeting", ["greeting = hello"]),
    ("cfg 2: read greeting", ["greeting = hello"]),
    ("cfg 1:3 read greeting", ["greeting = world"]),
    ("mcast greeting gorums", ["Multicast OK"]),
    ("cfg 0,1 read greeting", ["greeting = gorums"]),
    (
        "qc cread greeting",
        ["greeting = gorums (level 1)", "greeting = gorums (level 2)", "Correctable read finished"],
    ),
    (
        "cfg 0:3 cread greeting",
        ["greeting = gorums (level 1)", "greeting = gorums (level 2)", "Correctable read finished"],
    ),
    ("cfg 3 cread greeting", ["greeting = gorums (level 1)", "Correctable read finished"]),
    ("rpc 3 write greeting mine", ["Write OK"]),
    ("rpc 3 read greeting", ["greeting = mine"]),
    ("qc read greeting", ["greeting = mine"]),
    ("cfg :3 read greeting", ["greeting = gorums"]),
    ("cfg 0 write greeting 'hello world'", ["Write OK"]),
    ('rpc 0 read "greeting"', ["greeting = hello world"]),
    (r"unicast 0 it\'s \ ", ["Unicast OK"]),
    (r"rpc 0 read it\'s", ["it's =  "]),
    ("multicast '' ''", ["Multicast OK"]),
    ("quorumcall read ''", [" = "]),
    ("qc write blåbær søt", ["Write OK"]),
    ("qc read blåbær", ["blåbær = søt"]),
    ("qc read missing", ["missing was not found"]),
    ("rpc 2 read missing", ["missing was not found"]),
    (
        "cfg 0,1 cread missing",
        ["missing was not found (level 1)", "Correctable read finished"],
    ),
    ("qc nread greeting", ["greeting = hello world"]),
    ("cfg 3 nread greeting", ["greeting = hello world"]),
    ("qc nread missing", ["missing was not found"]),
    ("qc nwrite greeting 'hello peers'", ["Nested write OK"]),
    ("qc read greeting", ["greeting = hello peers"]),
    ("cfg 1,3 nwrite greeting 'hello again'", ["Nested write OK"]),
    ("cfg 0,2 nread greeting", ["greeting = hello again"]),
    ("", []),
    ("   ", []),
    ("hello", ["Unknown command 'hello'. Type 'help' to see available commands."]),
    ("rpc 4 read greeting", ["There is no node 4: the nodes are 0 to 3."]),
    ("qc read 'greeting", [r"Unterminated quoted string: a closing ' is missing. Write \' for a plain '."]),
]


def test_a_session() -> None:
    completed = run_storage(stdin="".join(f"{line}\n" for line, _ in SESSION))
    assert completed.stdout.splitlines() == [line for _, lines in SESSION for line in lines]
    assert completed.stderr == ""
    assert completed.returncode == 0


@pytest.mark.parametrize("word", ["exit", "quit"])
def test_the_session_ends_where_the_user_says(word: str) -> None:
    completed = run_storage(stdin=f"mcast a b\n{word}\nqc read a\n")
    assert (completed.returncode, completed.stdout, completed.stderr) == (0, "Multicast OK\n", "")


def test_help_and_nodes() -> None:
    completed = run_storage(stdin="help\nnodes\n")
    help_text, _, nodes = completed.stdout.partition("Nodes:\n")
    assert "qc write <key> <value>" in help_text
    lines = [line.partition(": 127.0.0.1:") for line in nodes.splitlines()]
    assert [index for index, _, _ in lines] == ["0", "1", "2", "3"]
    assert len({port for _, _, port in lines if port.isdigit()}) == 4


def test_no_input_at_all() -> None:
    completed = run_storage()
    assert (completed.returncode, completed.stdout, completed.stderr) == (0, "", "")


def test_input_that_is_not_text_costs_only_its_line() -> None:
    completed = run_storage(stdin=b"qc write \xe5 x\nqc write a b")
    assert completed.stdout == "The line is not valid UTF-8.\nWrite OK\n"
    assert completed.stderr == ""


def test_nobody_reads_the_output_any_more() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        completed = subprocess.run(
            [sys.executable, "-m", "examples.storage"],
            cwd=ROOT,
            env=ENVIRONMENT,
            input=b"nodes\n",
            stdout=writing,
            stderr=subprocess.PIPE,
            timeout=START_LIMIT,
            check=False,
        )
    finally:
        os.close(writing)
    assert completed.stderr == b""
    assert completed.returncode == 141


async def test_ctrl_c_while_waiting_for_a_command() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "examples.storage"),
        cwd=ROOT,
        env=ENVIRONMENT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"mcast a b\n")
    assert await within(process.stdout.readline(), START_LIMIT) == b"Multicast OK\n"
    process.send_signal(signal.SIGINT)
    # Its input is still open.
    assert await within(process.wait()) == 130
    assert await within(process.communicate()) == (b"", b"")


async def test_nodes_that_are_down_are_named_line_by_line() -> None:
    commands = [
        "qc write greeting hello",
        "qc read greeting",
        "cfg 1,2 read greeting",
        "cfg 1: write greeting hello",
        "cfg 2 cread greeting",
        "rpc 2 read greeting",
        "rpc 2 write greeting hello",
        "ucast 2 greeting hello",
        "mcast greeting hello",
    ]
    with refusing_address() as down:
        async with StorageServer() as first, StorageServer() as second:
            completed = await asyncio.to_thread(
                run_storage, "--addrs", f"{first.address},{second.address},{down}", stdin="\n".join(commands)
            )
        reason = f"node 2 ({down}): UNAVAILABLE: cannot connect: Connection refused"
        lines = completed.stdout.splitlines()
        assert lines == [
            "Write OK",
            "greeting = hello",
            "greeting = hello",
            "There may be a newer value: only 1 of 2 nodes replied:",
            f"  {reason}",
            "Write failed: 1 error, 1 reply by then:",
            f"  {reason}",
            f"Correctable read failed: {reason}",
            f"Read failed: {reason}",
            f"Write failed: {reason}",
            f"Unicast failed: {reason}",
            "Multicast failed: 1 error, sent to 2 nodes:",
            f"  {reason}",
        ]
        assert completed.stderr.startswith(f"not connected yet: {reason}")
        assert completed.stderr.count("\n") == 1
        assert completed.returncode == 0


async def test_nested_calls_need_servers_with_peers() -> None:
    async with StorageServer() as one, StorageServer() as two:
        completed = await asyncio.to_thread(
            run_storage, "--addrs", f"{one.address},{two.address}", stdin="qc nread a\nqc nwrite a b\ncfg 1 nread a\n"
        )
    assert completed.stdout.splitlines() == [
        f"Nested read was refused: FAILED_PRECONDITION: read_nested_qc: {NO_PEERS}",
        f"Nested write was refused: FAILED_PRECONDITION: write_nested_multicast: {NO_PEERS}",
        f"Nested read failed: node 1 ({two.address}): FAILED_PRECONDITION: read_nested_qc: {NO_PEERS}",
    ]


async def test_writes_that_come_after_newer_ones() -> None:
    in_forty_years = WriteRequest(key="greeting", value="hello", time=Timestamp(seconds=4_000_000_000))
    async with cluster_of(3, lambda _: StorageImpl()) as cluster:
        await write_multicast(cluster.config[:2], in_forty_years, timeout=10)
        await write_qc(cluster.config[:2], WriteRequest(), timeout=10).all()
        completed = await asyncio.to_thread(
            run_storage,
            *("--connect", ",".join(cluster.addresses)),
            stdin="qc write greeting now\nrpc 0 write greeting now\nrpc 2 write greeting now\nqc read greeting\n",
        )
    assert completed.stdout.splitlines() == [
        "Failed to update greeting: timestamp too old.",
        "Failed to update greeting: timestamp too old.",
        "Write OK",
        "greeting = hello",
    ]
    assert completed.stderr == ""


async def test_ctrl_c_interrupts_only_the_call(capsys: pytest.CaptureFixture[str]) -> None:
    cleaned_up = False

    async def call() -> None:
        nonlocal cleaned_up
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.Event().wait()
        finally:
            cleaned_up = True

    before = signal.getsignal(signal.SIGINT)
    await within(interruptible(call()))
    assert capsys.readouterr().out == "Interrupted\n"
    assert cleaned_up
    assert signal.getsignal(signal.SIGINT) is before


async def test_what_a_call_raises_is_not_lost() -> None:
    async def call() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await within(interruptible(call()))
