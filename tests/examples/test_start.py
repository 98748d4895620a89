"""What ``python -m examples.storage`` does about its arguments, before any command."""

import asyncio
import io
import os
import signal
import socket
from contextlib import redirect_stderr

import pytest

import pygorums as gorums
from examples.storage.serve import serve
from examples.storage.server import StorageImpl
from examples.storage.storage_gorums import read_nested_qc, write_qc
from examples.storage.storage_pb2 import ReadRequest, WriteRequest
from tests.examples.programs import StorageServer, free_addresses, refusing_address, run_storage
from tests.support.cluster import QUICK
from tests.support.waiting import until, within


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_server_serves_until_a_signal(number: signal.Signals) -> None:
    async with StorageServer() as server:
        assert await server.end(number) == (0, "", "")


async def test_a_server_that_waits_for_its_peers_can_be_stopped() -> None:
    address, *peers = free_addresses(3)
    server = StorageServer(address, *peers)
    await server.launch()
    assert await server.end(signal.SIGTERM) == (0, "", "")


async def test_a_server_names_the_peers_that_did_not_come(capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = sorted(free_addresses(3))
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with gorums.System(first, StorageImpl(), node_id=1, peers=[first, second, third], backoff=QUICK):
        serving = asyncio.create_task(serve(second, [third, second, first], patience=1.0))
        printed = ""

        def started() -> bool:
            nonlocal printed
            printed += capsys.readouterr().out
            return "Started" in printed

        told = ""
        with redirect_stderr(io.StringIO()) as errors:
            await until(started, "the server has started")
            told = errors.getvalue()
        async with gorums.connect([second]) as config:
            request = WriteRequest(key="key", value="value")
            assert (await write_qc(config, request, timeout=10).all()).new  # it serves all the same
            assert (await read_nested_qc(config, ReadRequest(key="key"), timeout=10).all()).value == "value"
        os.kill(os.getpid(), signal.SIGTERM)
        await within(serving)
    assert printed == f"Waiting for {first}, {third}\nStarted storage server on {second}\n"
    assert told == f"not connected after 1 s: {third}; serving without\n"
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers


def refused(*arguments: str) -> str:
    """The line that a start with `arguments` fails with."""
    completed = run_storage(*arguments)
    assert completed.returncode != 0
    assert completed.stdout == ""
    assert completed.stderr.count("\n") == 1
    program, _, message = completed.stderr.rstrip("\n").partition(": ")
    assert program == "python -m examples.storage"
    return message


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert refused("--serve", "--addrs", address) == f"cannot listen on {address}: Address already in use"


def test_an_address_of_another_machine() -> None:
    assert refused("--serve", "--addrs", "192.0.2.1:8080").startswith("cannot listen on 192.0.2.1:8080: ")


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (["--addrs", "localhost"], "invalid address 'localhost': "),
        (["--addrs", "localhost:http"], "invalid address 'localhost:http': "),
        (["--addrs", "localhost:1,localhost:1"], "address 'localhost:1' is already in use"),
        (["--serve", "--addrs", "localhost"], "invalid address 'localhost': "),
        (["--serve"], "--serve needs --addrs "),
        (["--serve", "--addrs", "localhost:1,localhost:1"], "address 'localhost:1' is already in use"),
        (["--serve", "--addrs", "localhost:0,localhost:1"], "invalid address 'localhost:0': "),
        (["--serve", "localhost:2", "--addrs", "localhost:1"], "--serve localhost:2 is not one of --addrs"),
        (["--cluster"], "--cluster needs --addrs "),
        (["--interceptors", "quiet"], "unknown interceptor 'quiet': there are logging, nofoo, metadata, delayed "),
    ],
)
def test_arguments_that_cannot_be(arguments: list[str], start: str) -> None:
    assert refused(*arguments).startswith(start)


def test_nodes_none_of_which_can_be_reached() -> None:
    with refusing_address() as one, refusing_address() as two:
        message = refused("--addrs", f"{one},{two}")
    assert message.startswith(f"no node can be reached: node 0 ({one}): UNAVAILABLE: ")
    assert f"; node 1 ({two}): UNAVAILABLE: " in message
