"""Nodes that are down, or that never answer: they fail at once or in time, and hold up nobody else."""

import asyncio
import re
from collections.abc import AsyncIterator

import grpc
import pytest

import pygorums as gorums
from pygorums.transports.grpc.errors import in_short
from tests.protos.calls_gorums import ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK, Cluster, connected
from tests.support.proxy import TcpProxy
from tests.support.scripted_server import ScriptedServer, swallow
from tests.support.waiting import until, within

# Nothing listens there: the discard port of a loopback address.
NOWHERE = "127.0.0.1:9"
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
# Seconds that "at once" may take on a loaded machine; far less than any timeout of a transport.
AT_ONCE = 3.0


@pytest.fixture
async def two_of_three(three: Cluster[ScriptedCalls]) -> AsyncIterator[gorums.Configuration]:
    """The first two nodes are up, the third never was."""
    async with gorums.connect([*three.addresses[:2], NOWHERE], backoff=QUICK) as config:
        await config.wait_connected(2, timeout=10)
        yield config


async def test_an_rpc_fails_at_once_and_names_the_node() -> None:
    """Rows: 187."""
    async with gorums.connect({7: NOWHERE}) as config:
        for _ in range(3):
            with pytest.raises(gorums.StatusError) as error:
                await within(echo(config[0], Text()), AT_ONCE)
            assert error.value.code == UNAVAILABLE
            assert error.value.node_id == 7
            assert NOWHERE in str(error.value)
        assert config[0].pending == 0
        assert config[0].last_error is not None


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1:9", "127.0.0.1:9: cannot connect: Connection refused"),
        ("localhost:9", r"localhost:9: cannot connect to \S+: Connection refused"),
        ("[::1]:9", r"\[::1\]:9: cannot connect: .+"),
    ],
)
async def test_errors_name_an_address_once(address: str, why: str) -> None:
    async with gorums.connect([address], backoff=QUICK) as config:
        with pytest.raises(gorums.StatusError) as failed:
            await within(echo(config[0], Text()))
        with pytest.raises(TimeoutError) as waited:
            await within(config[0].wait_connected(0.01))
    assert re.fullmatch(f"node 1: UNAVAILABLE: {why}", str(failed.value))
    for error in (failed.value, waited.value):
        assert str(error).count(address) == 1
        assert len(re.findall(r"\bnode 1\b", str(error))) == 1


@pytest.mark.parametrize(
    ("details", "address", "short"),
    [
        (
            "failed to connect to all addresses; last error: UNKNOWN: ipv6:%5B::1%5D:9: Failed to connect to remote "
            "host: Connection refused",
            "[::1]:9",
            "cannot connect: Connection refused",
        ),
        (
            "failed to connect to all addresses; last error: UNAVAILABLE: ipv4:10.0.0.1:9: Socket closed",
            "host:9",
            "cannot connect to 10.0.0.1:9: Socket closed",
        ),
        (
            "errors resolving host:9: [a: lookup failed for host:9: none]",
            "host:9",
            "cannot look it up: [a: lookup failed: none]",
        ),
        ("DNS resolution failed for host:9: timeout", "host:9", "DNS resolution failed: timeout"),
        ("the server is full", "host:9", "the server is full"),
        ("", "host:9", ""),
    ],
)
def test_what_grpc_says_of_an_address(details: str, address: str, short: str) -> None:
    assert in_short(details, address) == short


async def test_every_call_type_fails_at_once() -> None:
    """Rows: 187, 197."""
    async with gorums.connect([NOWHERE]) as config:
        for one_way in (note(config[0], Text()), spread(config, Text())):
            with pytest.raises(gorums.SendError) as unsent:
                await within(one_way, AT_ONCE)
            assert unsent.value.caused_by(UNAVAILABLE)
        for quorum in (ask(config, Text()).first(), ask(config, Text()).async_all(), follow(config, Text()).first()):
            with pytest.raises(gorums.IncompleteError) as incomplete:
                await within(quorum, AT_ONCE)
            assert incomplete.value.caused_by(UNAVAILABLE)
            assert NOWHERE in str(incomplete.value)
        assert await within(ask(config, Text()).collect_all(), AT_ONCE) == {}
        assert config[0].pending == 0


async def test_a_minority_that_is_down_holds_up_nobody(two_of_three: gorums.Configuration) -> None:
    for n in range(20):
        assert (await within(ask(two_of_three, Text(text=str(n))).majority(), AT_ONCE)).text == str(n)
    with pytest.raises(gorums.IncompleteError) as error:
        await within(ask(two_of_three, Text(text="all")).all(), AT_ONCE)
    assert set(error.value.node_errors) == {3}
    assert sorted(await within(ask(two_of_three, Text(text="collect")).collect_all(), AT_ONCE)) == [1, 2]


async def test_a_majority_that_is_down(three: Cluster[ScriptedCalls]) -> None:
    for server in three.servers[:2]:
        await server.stop()
    with pytest.raises(gorums.IncompleteError) as error:
        await within(ask(three.config, Text(text="x")).majority(), AT_ONCE)
    assert set(error.value.node_errors) <= {1, 2}
    assert error.value.caused_by(UNAVAILABLE)
    assert (await within(ask(three.config, Text(text="x")).first(), AT_ONCE)).number == 3


async def test_a_server_that_ends_during_calls(three: Cluster[ScriptedCalls]) -> None:
    call = ask(three.config, Text(text="ok ok hold:x")).async_all()
    rpc = echo(three.config[2], Text(text="behind"))
    await three.services[2].gates["x"].arrivals()
    await three.servers[2].stop()
    with pytest.raises(gorums.IncompleteError) as error:
        await within(call)
    assert set(error.value.node_errors) == {3}
    with pytest.raises(gorums.StatusError) as status:
        await within(rpc)
    assert status.value.code == UNAVAILABLE
    assert [node.pending for node in three.config] == [0, 0, 0]


@pytest.mark.parametrize(
    ("session", "kind"), [(None, gorums.StreamDownError), (gorums.Session(), gorums.OutcomeUnknownError)]
)
async def test_a_streaming_call_to_a_server_that_ends(
    one: Cluster[ScriptedCalls], session: gorums.Session | None, kind: type[Exception]
) -> None:
    async with connected(one.addresses, session=session) as config:
        correctable = follow(config, Text(text="hold:x", number=3)).correctable(3)
        one.service.gates["x"].let()
        assert (await within(correctable.watch(1)))[1] == 1
        await one.servers[0].stop()
        _, level, error = await within(correctable.watch(3))
        assert level == 1
        assert isinstance(error, gorums.IncompleteError)
        assert isinstance(error.node_errors[1], kind)


async def test_a_network_that_swallows_everything(three: Cluster[ScriptedCalls]) -> None:
    """The connection is taken but nothing ever comes: calls wait for their timeout, others do not wait for them."""
    async with TcpProxy(three.addresses[2]) as proxy:
        proxy.freeze()
        async with gorums.connect([*three.addresses[:2], proxy.address], backoff=QUICK) as config:
            await config.wait_connected(2, timeout=10)
            with pytest.raises(TimeoutError):
                await within(echo(config[2], Text(text="x"), timeout=0.05))
            assert (await within(ask(config, Text(text="y"), timeout=10).majority())).text == "y"
            with pytest.raises(gorums.QuorumTimeoutError) as error:
                await within(ask(config, Text(text="z"), timeout=0.5).all())
            assert set(error.value.node_errors) == {3}
            assert config[2].pending == 0
            proxy.thaw()
            assert (await within(ask(config, Text(text="thawed")).all())).text == "thawed"


@pytest.mark.parametrize("way", ["deaf", "mute and deaf"])
@pytest.mark.parametrize("known", [True, False], ids=["known before", "never seen"])
async def test_a_connection_that_leads_nowhere_is_none(
    one: Cluster[ScriptedCalls], monkeypatch: pytest.MonkeyPatch, way: str, known: bool
) -> None:
    """As behind a load balancer that takes connections for servers that are gone."""

    def expect_answers_soon() -> None:
        monkeypatch.setattr("pygorums.transports.grpc.transport.ANSWER_TIMEOUT", 0.2)
        monkeypatch.setattr("pygorums.transports.sockets.client.ANSWER_TIMEOUT", 0.2)

    if not known:
        expect_answers_soon()
    async with TcpProxy(one.addresses[0]) as proxy, gorums.connect([proxy.address], backoff=QUICK) as config:
        if known:
            await config.wait_connected(timeout=10)
            proxy.reset()
            expect_answers_soon()
        proxy.deaf = True
        if way != "deaf":
            proxy.freeze()
        with pytest.raises(gorums.StatusError) as error:
            await within(echo(config[0], Text(text="x")), AT_ONCE)
        assert error.value.code == UNAVAILABLE
        with pytest.raises(gorums.SendError):
            await within(note(config[0], Text()), AT_ONCE)
        with pytest.raises(gorums.CallTimeoutError):
            await config.wait_connected(timeout=0.5)
        assert not config[0].connected
        proxy.deaf = False
        proxy.thaw()
        monkeypatch.undo()
        proxy.reset()
        await config.wait_connected(timeout=10)
        assert (await within(echo(config[0], Text(text="back")))).text == "back"


async def test_a_server_that_says_nothing_by_itself_is_connected_all_the_same() -> None:
    """Servers of other implementations send nothing before their first message."""
    async with ScriptedServer(swallow) as server, gorums.connect([server.address], backoff=QUICK) as config:
        await config.wait_connected(timeout=10)
        await within(note(config[0], Text(text="x")))
        stream = await within(server.opened(1))
        await until(lambda: stream.messages)


async def test_a_slow_network_is_only_slow(one: Cluster[ScriptedCalls]) -> None:
    async with TcpProxy(one.addresses[0]) as proxy:
        proxy.delay = 0.01
        async with gorums.connect([proxy.address]) as config:
            calls = [echo(config[0], Text(text=str(n))) for n in range(100)]
            assert [reply.text for reply in await within(asyncio.gather(*calls))] == [str(n) for n in range(100)]
            assert proxy.attempts == 1


async def test_attempts_to_reach_a_node_are_no_storm(one: Cluster[ScriptedCalls]) -> None:
    """Attempts go on without a call, with growing pauses; calls meanwhile do not make more of them."""
    async with TcpProxy(one.addresses[0]) as proxy:
        proxy.turn_away = True
        backoff = gorums.Backoff(initial=0.05, maximum=0.4, multiplier=2.0, jitter=0.0)
        async with gorums.connect([proxy.address], backoff=backoff) as config:
            await within(proxy.attempted(3))
            start = asyncio.get_running_loop().time()
            before = proxy.attempts
            calls = 0
            while asyncio.get_running_loop().time() - start < 0.6:
                with pytest.raises(gorums.StatusError):
                    await within(echo(config[0], Text()), AT_ONCE)
                calls += 1
                await asyncio.sleep(0.005)
            assert calls > 10
            # 0.2, 0.4, 0.4 …: three in this time if each attempt makes one connection; twice that is no storm.
            assert proxy.attempts - before <= 6
            proxy.turn_away = False
            await config.wait_connected(timeout=10)


async def test_closing_while_a_node_cannot_be_reached() -> None:
    config = gorums.connect([NOWHERE], backoff=gorums.Backoff(initial=60.0, maximum=60.0))
    await until(lambda: config[0].last_error is not None)
    await within(config.close(), AT_ONCE)
    with pytest.raises(gorums.NodeClosedError):
        await within(echo(config[0], Text()))


@pytest.mark.parametrize(
    "wrong",
    [
        {"initial": 0},
        {"initial": -1},
        {"maximum": 0.01},
        {"multiplier": 0.5},
        {"jitter": -0.1},
        {"jitter": 1.5},
        {"initial": float("nan")},
    ],
)
def test_a_backoff_that_makes_no_sense(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        gorums.Backoff(**wrong)


def test_the_default_backoff() -> None:
    backoff = gorums.Backoff()
    assert (backoff.initial, backoff.maximum, backoff.multiplier, backoff.jitter) == (0.1, 5.0, 1.6, 0.2)
