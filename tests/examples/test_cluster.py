"""Clusters of processes whose servers know each other."""

import asyncio
import re
import signal
import socket
import sys
from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import Self

import pytest

import pygorums as gorums
from examples.storage.moments import now
from examples.storage.output import show
from examples.storage.storage_gorums import read_nested_qc, write_nested_multicast, write_qc
from examples.storage.storage_pb2 import ReadRequest, WriteRequest
from tests.examples.programs import (
    ENVIRONMENT,
    ROOT,
    START_LIMIT,
    StorageServer,
    free_addresses,
    refusing_address,
    run_storage,
)
from tests.support.waiting import within

# Seconds. A call that takes them waits for something that does not come.
CALL_LIMIT = 10.0


async def finds(config: gorums.Configuration, key: str, value: str) -> None:
    """Waits until each node, asked alone, finds the value at one of its peers or at itself."""

    async def found_at(node: gorums.Configuration) -> None:
        found = ""
        while found != value:
            found = (await read_nested_qc(node, ReadRequest(key=key), timeout=10).all()).value

    await within(asyncio.gather(*(found_at(config[index : index + 1]) for index in range(len(config)))), START_LIMIT)


@pytest.mark.parametrize(("order", "victim"), [((0, 1, 2), 0), ((2, 0, 1), 1)])
async def test_servers_start_in_any_order_and_one_starts_again(order: tuple[int, ...], victim: int) -> None:
    addresses = free_addresses(3)
    # Each lists itself first; they agree on the IDs all the same.
    servers = [StorageServer(each, *(other for other in addresses if other != each)) for each in addresses]
    async with AsyncExitStack() as stack:
        for index in order:
            stack.push_async_exit(servers[index])
            await servers[index].launch()
        for server in servers:
            await server.started()

        config = await stack.enter_async_context(gorums.connect(addresses))
        await within(config.wait_connected())
        await write_qc(config[victim : victim + 1], WriteRequest(key="before", value="b", time=now()), timeout=10).all()
        await finds(config, "before", "b")

        await servers[victim].end(signal.SIGKILL)
        await servers[victim].launch()
        await servers[victim].started()
        await within(config.wait_connected())
        # It has forgotten everything. What only it has is found by the others, and what only they have by it.
        rest = config.remove(config[victim].id)
        await write_qc(config[victim : victim + 1], WriteRequest(key="mine", value="m", time=now()), timeout=10).all()
        await write_qc(rest[:1], WriteRequest(key="theirs", value="t", time=now()), timeout=10).all()
        await finds(config, "mine", "m")
        await finds(config, "theirs", "t")

        commands = ["qc nread mine", *(f"cfg {index} nread mine" for index in range(3)), "qc nwrite all a"]
        completed = await asyncio.to_thread(
            run_storage, "--addrs", ",".join(addresses), stdin="\n".join([*commands, "qc read all"])
        )
        assert completed.stdout.splitlines() == ["mine = m"] * 4 + ["Nested write OK", "all = a"]
        assert completed.stderr == ""


async def test_a_peer_that_hangs_does_not_keep_nested_calls_from_an_answer() -> None:
    addresses = free_addresses(3)
    servers = [StorageServer(each, *(other for other in addresses if other != each)) for each in addresses]
    async with AsyncExitStack() as stack:
        for server in servers:
            stack.push_async_exit(server)
            await server.launch()
        for server in servers:
            await server.started()
        config = await stack.enter_async_context(gorums.connect(addresses))
        await write_qc(config, WriteRequest(key="key", value="v", time=now()), timeout=10).all()
        servers[2].send(signal.SIGSTOP)
        replies = await read_nested_qc(config[:2], ReadRequest(key="key"), timeout=CALL_LIMIT).collect_all()
        assert {node_id: reply.value for node_id, reply in replies.items()} == {1: "v", 2: "v"}
        written = await write_nested_multicast(
            config[:2], WriteRequest(key="key", time=now()), timeout=CALL_LIMIT
        ).all()
        assert written.new


class ClusterProgram:
    """``python -m examples.storage --cluster``."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.process: asyncio.subprocess.Process

    async def __aenter__(self) -> Self:
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "examples.storage", "--cluster", "--addrs", ",".join(self.addresses)),
            cwd=ROOT,
            env=ENVIRONMENT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process.returncode is None:
            # SIGKILL would leave its servers behind.
            self.process.terminate()
            await within(self.process.communicate(), START_LIMIT)

    async def end(self, number: signal.Signals) -> tuple[int | None, str, str]:
        """Sends a signal to it alone, and waits for its end: status, and what it and its servers have said since."""
        self.process.send_signal(number)
        output, errors = await within(self.process.communicate(), START_LIMIT)
        return self.process.returncode, output.decode(), errors.decode()


def listens(address: str) -> bool:
    host, port = address.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_cluster_is_a_process_for_each_address_until_a_signal(number: signal.Signals) -> None:
    async with ClusterProgram(*free_addresses(3)) as cluster:
        assert cluster.process.stdout is not None
        lines = [(await within(cluster.process.stdout.readline(), START_LIMIT)).decode() for _ in range(7)]
        assert lines[0] == f"To connect: python -m examples.storage --addrs {','.join(cluster.addresses)}\n"
        assert sorted(line for line in lines if line.startswith("Started ")) == sorted(
            f"Started storage server on {address}\n" for address in cluster.addresses
        )
        completed = await asyncio.to_thread(
            run_storage, "--addrs", ",".join(cluster.addresses), stdin="cfg 0 nwrite a b\nqc nread a\n"
        )
        assert (completed.stdout, completed.stderr) == ("Nested write OK\na = b\n", "")

        assert await cluster.end(number) == (0, "", "")
        assert not any(listens(address) for address in cluster.addresses)


async def test_a_server_of_a_cluster_that_cannot_start_is_told_of() -> None:
    with refusing_address() as taken:
        async with ClusterProgram(taken, *free_addresses(1)) as cluster:
            assert cluster.process.stderr is not None
            lines = [(await within(cluster.process.stderr.readline(), START_LIMIT)).decode() for _ in range(2)]
            assert lines == [
                f"python -m examples.storage: cannot listen on {taken}: Address already in use\n",
                f"the server on {taken} has ended with status 1\n",
            ]
            status, _, errors = await cluster.end(signal.SIGTERM)
            assert (status, errors) == (0, "")


def test_a_cluster_none_of_whose_servers_can_start() -> None:
    with refusing_address() as one, refusing_address() as two:
        completed = run_storage("--cluster", "--addrs", f"{one},{two}")
    assert completed.returncode == 1
    assert len(re.findall("Address already in use$", completed.stderr, re.MULTILINE)) == 2
    assert completed.stderr.endswith("\npython -m examples.storage: all servers of the cluster have ended\n")


def test_a_line_is_written_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """The servers of a cluster share a pipe, and with PYTHONUNBUFFERED each write to it is one of the system's."""
    written: list[str] = []
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(write=written.append, flush=lambda: None))
    show("Started")
    assert [each for each in written if each] == ["Started\n"]
