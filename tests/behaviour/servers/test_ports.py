"""Listening where another program does: refused if it has any of the addresses, in words and nothing else."""

import errno
import socket
from contextlib import closing

import pytest

import pygorums as gorums
from pygorums.transports.ports import free_port
from tests.protos.calls_gorums import echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import connected, serving
from tests.support.waiting import within


def another_program(host: str) -> socket.socket:
    """Listens on a port of one address, and of that alone."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, 0))
    listener.listen()
    return listener


def has_ipv6() -> bool:
    try:
        another_program("::1").close()
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="needs ::1")

ALL = ("localhost", "0.0.0.0", "[::]")
COLLISIONS = [
    *[("127.0.0.1", host) for host in (*ALL, "127.0.0.1")],
    *[("0.0.0.0", host) for host in (*ALL, "127.0.0.1")],
    *[pytest.param("::1", host, marks=needs_ipv6) for host in (*ALL, "[::1]")],
    *[pytest.param("::", host, marks=needs_ipv6) for host in (*ALL, "[::1]")],
]


@pytest.mark.parametrize(("taken", "host"), COLLISIONS)
async def test_a_port_that_another_program_has_on_one_of_the_addresses(
    taken: str, host: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with closing(another_program(taken)) as other:
        address = f"{host}:{other.getsockname()[1]}"
        server = gorums.Server(ScriptedCalls())
        with pytest.raises(OSError, match="Address already in use") as error:
            await server.start(address)
        assert error.value.errno == errno.EADDRINUSE
        assert str(error.value).startswith(f"[Errno {errno.EADDRINUSE}] cannot listen on {address}: ")
        assert not server.was_started
    assert await server.start(address) == address  # when the other has gone
    await within(server.stop())
    assert capfd.readouterr().err == ""


NO_COLLISIONS = [
    pytest.param("127.0.0.1", "[::1]", marks=needs_ipv6),
    pytest.param("::1", "127.0.0.1", marks=needs_ipv6),
    ("127.0.0.2", "127.0.0.1"),
]


@pytest.mark.parametrize(("taken", "host"), NO_COLLISIONS)
async def test_a_port_that_another_program_has_elsewhere(taken: str, host: str) -> None:
    try:
        other = another_program(taken)
    except OSError:
        pytest.skip(f"there is no {taken} here")
    with closing(other):
        wanted = f"{host}:{other.getsockname()[1]}"
        async with serving(ScriptedCalls(3), wanted) as address, connected([address]) as config:
            assert (await within(echo(config[0], Text()))).number == 3


@pytest.mark.parametrize("host", ALL)
async def test_a_port_that_the_system_chooses_is_free_on_all_addresses(host: str) -> None:
    async with serving(ScriptedCalls(3), f"{host}:0") as address:
        port = address.rpartition(":")[2]
        assert address == f"{host}:{port}"
        for target in ("127.0.0.1", *(["[::1]"] if has_ipv6() else [])):
            async with connected([f"{target}:{port}"]) as config:
                assert (await within(echo(config[0], Text()))).number == 3


@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="there is no SO_REUSEPORT here")
async def test_servers_that_want_to_share_a_port_may() -> None:
    options = [("grpc.so_reuseport", 1)]
    async with (
        serving(ScriptedCalls(1), options=options) as address,
        serving(ScriptedCalls(2), address, options=options),
        connected([address]) as config,
    ):
        assert (await within(echo(config[0], Text()))).number in (1, 2)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("no-such-host.invalid:0", "cannot listen on no-such-host.invalid:0: "),
        ("192.0.2.1:0", "cannot listen on 192.0.2.1:0: Cannot assign requested address"),
        ("192.0.2.1:4711", "cannot listen on 192.0.2.1:4711: Cannot assign requested address"),
    ],
)
async def test_an_address_that_is_not_of_this_machine(
    address: str, reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    server = gorums.Server(ScriptedCalls())
    with pytest.raises(OSError, match="cannot listen on") as error:
        await server.start(address)
    assert reason in str(error.value)
    await within(server.stop())
    assert capfd.readouterr().err == ""


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The first ports that the system chooses for 0.0.0.0 are taken on ::."""
    tried: list[int] = []
    original = socket.socket.bind

    class Crowded(socket.socket):
        def bind(self, address: object, /) -> None:
            if self.family == socket.AF_INET6:
                port = address[1]  # type: ignore[index] # always of IPv6
                tried.append(port)
                if len(tried) < 4:
                    raise OSError(errno.EADDRINUSE, "Address already in use")
            original(self, address)  # type: ignore[arg-type] # as it came

    monkeypatch.setattr("pygorums.transports.ports.socket.socket", Crowded)
    return tried


@needs_ipv6
def test_a_port_is_looked_for_until_one_is_free_everywhere(crowded: list[int]) -> None:
    assert free_port("0.0.0.0:0", shared=False) == crowded[-1]
    assert len(crowded) == 4
