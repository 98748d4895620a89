"""What ``python -m examples.storage`` does about its arguments, before any command."""

import signal
import socket

import pytest

from tests.examples.programs import StorageServer, refusing_address, run_storage


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_server_serves_until_a_signal(number: signal.Signals) -> None:
    async with StorageServer() as server:
        assert await server.end(number) == (0, "", "")


async def test_a_server_may_be_told_its_peers() -> None:
    async with StorageServer("127.0.0.1:0", "127.0.0.1:9001", "127.0.0.1:9002") as server:
        assert server.address.startswith("127.0.0.1:")
        assert await server.end(signal.SIGTERM) == (0, "", "")


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
        (["--cluster"], "unrecognized arguments: --cluster "),
    ],
)
def test_arguments_that_cannot_be(arguments: list[str], start: str) -> None:
    assert refused(*arguments).startswith(start)


def test_nodes_none_of_which_can_be_reached() -> None:
    with refusing_address() as one, refusing_address() as two:
        message = refused("--addrs", f"{one},{two}")
    assert message.startswith(f"no node can be reached: node 0 ({one}): UNAVAILABLE: ")
    assert f"; node 1 ({two}): UNAVAILABLE: " in message
