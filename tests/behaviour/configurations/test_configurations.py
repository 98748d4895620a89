"""Configurations: what they are made of, how they compare, when they are connected and closed."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK, Cluster, connected, scripted, serving
from tests.support.waiting import within

# Nothing listens there: the discard port of a loopback address of our own.
NOWHERE = [f"127.0.0.1:{port}" for port in range(9, 14)]


async def test_a_list_gets_ids_from_one_in_order() -> None:
    """Rows: 151, 157."""
    async with gorums.connect(NOWHERE) as config:
        assert list(config.node_ids) == [1, 2, 3, 4, 5]
        assert [node.address for node in config] == NOWHERE


async def test_any_iterable_will_do() -> None:
    """Rows: 151."""
    async with gorums.connect(address for address in NOWHERE) as config:
        assert [node.address for node in config] == NOWHERE


async def test_a_mapping_gives_the_ids() -> None:
    """Rows: 157, 174."""
    async with gorums.connect({7: NOWHERE[0], 3: NOWHERE[1], (1 << 32) - 1: NOWHERE[2]}) as config:
        assert {node.id: node.address for node in config} == {
            7: NOWHERE[0],
            3: NOWHERE[1],
            (1 << 32) - 1: NOWHERE[2],
        }


async def test_it_is_a_sequence_of_nodes() -> None:
    """Rows: 172."""
    async with gorums.connect(NOWHERE) as config:
        assert isinstance(config, Sequence)
        assert len(config) == 5
        assert isinstance(config[0], gorums.Node)
        assert config[-1] is config[4]
        assert list(config) == [config[i] for i in range(5)]
        assert list(reversed(config)) == list(config)[::-1]
        assert config.index(config[2]) == 2
        assert config.count(config[2]) == 1
        with pytest.raises(IndexError):
            config[5]


@pytest.mark.parametrize(
    ("part", "ids"),
    [
        (slice(2), [1, 2]),
        (slice(1, 3), [2, 3]),
        (slice(3, None), [4, 5]),
        (slice(None, None, 2), [1, 3, 5]),
        (slice(None, None, -1), [5, 4, 3, 2, 1]),
        (slice(0), []),
    ],
)
async def test_a_slice_is_a_configuration(part: slice, ids: list[int]) -> None:
    """Rows: 172."""
    async with gorums.connect(NOWHERE) as config:
        assert isinstance(config[part], gorums.Configuration)
        assert list(config[part].node_ids) == ids


@pytest.mark.parametrize(
    ("what", "inside", "inside_part"),
    [
        (1, True, False),
        (2, True, True),
        (5, True, True),
        (6, False, False),
        (0, False, False),
        (NOWHERE[0], False, False),
    ],
)
async def test_membership(what: object, inside: bool, inside_part: bool) -> None:
    """Rows: 168."""
    async with gorums.connect(NOWHERE) as config:
        assert (what in config) == inside
        assert (what in config[1:]) == inside_part


async def test_membership_of_nodes() -> None:
    async with gorums.connect(NOWHERE) as config, gorums.connect(NOWHERE) as other:
        assert config[0] in config
        assert config[0] not in config[1:]
        assert other[0] not in config


async def test_equal_means_the_same_nodes_in_the_same_order() -> None:
    """Rows: 170."""
    async with gorums.connect(NOWHERE) as config, gorums.connect(NOWHERE) as other:
        assert config == config[:]
        assert hash(config) == hash(config[:])
        assert config[:2] == config[:3][:2]
        assert config[:2] != config[1:3]
        assert config[::-1] != config
        assert config != other, "nodes of another connection are other nodes"
        assert config != list(config)
        assert len({config[:2], config[:3][:2], config[2:]}) == 2


async def test_it_cannot_be_changed() -> None:
    """Rows: 161."""
    async with gorums.connect(NOWHERE) as config:
        changeable: Any = config
        with pytest.raises(TypeError):
            changeable[0] = config[1]
        with pytest.raises(TypeError):
            del changeable[0]


@pytest.mark.parametrize(
    ("nodes", "named"),
    [
        pytest.param([], "", id="empty list"),
        pytest.param({}, "", id="empty mapping"),
        pytest.param(["localhost"], "localhost", id="no port"),
        pytest.param([""], "''", id="empty address"),
        pytest.param(["localhost:"], "localhost:", id="empty port"),
        pytest.param(["localhost:http"], "localhost:http", id="port that is no number"),
        pytest.param(["localhost:65536"], "localhost:65536", id="port too large"),
        pytest.param(["localhost:-1"], "localhost:-1", id="negative port"),
        pytest.param(["localhost:0"], "localhost:0", id="port 0"),
        pytest.param(["::1:8080"], "::1:8080", id="IPv6 without brackets"),
        pytest.param(["local host:80"], "local host:80", id="space"),
        pytest.param([NOWHERE[0], NOWHERE[1], NOWHERE[0]], NOWHERE[0], id="duplicate in a list"),
        pytest.param({1: NOWHERE[0], 2: NOWHERE[0]}, NOWHERE[0], id="duplicate in a mapping"),
        pytest.param({0: NOWHERE[0]}, "0", id="ID 0"),
        pytest.param({-1: NOWHERE[0]}, "-1", id="negative ID"),
        pytest.param({1 << 32: NOWHERE[0]}, str(1 << 32), id="ID over 32 bits"),
        pytest.param("127.0.0.1:8080", "", id="one address that is not in a list"),
    ],
)
async def test_what_cannot_be_connected_to(nodes: Sequence[str] | Mapping[int, str], named: str) -> None:
    """Rows: 150, 152, 153, 155."""
    with pytest.raises(gorums.ConfigurationError) as error:
        gorums.connect(nodes)
    assert isinstance(error.value, ValueError)
    assert named in str(error.value)


def test_connecting_needs_a_running_loop() -> None:
    with pytest.raises(RuntimeError, match="event loop"):
        gorums.connect(NOWHERE)


async def test_connecting_returns_at_once_and_connects_without_a_call() -> None:
    async with serving(ScriptedCalls()) as address:
        config = gorums.connect([address])
        assert not config[0].connected
        await config.wait_connected(timeout=10)
        assert config[0].connected
        await config.close()


async def test_waiting_for_some_of_the_nodes(one: Cluster[ScriptedCalls]) -> None:
    async with gorums.connect([*one.addresses, *NOWHERE[:2]], backoff=QUICK) as config:
        await config.wait_connected(1, timeout=10)
        await config.wait_connected(0, timeout=10)
        with pytest.raises(TimeoutError) as error:
            await config.wait_connected(2, timeout=0.05)
        for address in NOWHERE[:2]:
            assert address in str(error.value)
        with pytest.raises(TimeoutError):
            await config.wait_connected(timeout=0.05)
        await config[:1].wait_connected(timeout=10)


async def test_waiting_for_more_nodes_than_there_are(one: Cluster[ScriptedCalls]) -> None:
    with pytest.raises(ValueError, match="2"):
        await within(one.config.wait_connected(2))


async def test_waiting_ends_when_the_configuration_is_closed() -> None:
    config = gorums.connect(NOWHERE[:1])
    waiting = asyncio.create_task(config.wait_connected())
    await asyncio.sleep(0)
    await config.close()
    with pytest.raises(gorums.NodeClosedError):
        await within(waiting)


async def test_closing_twice_is_closing_once(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 171."""
    await three.config.close()
    await three.config.close()


async def test_closing_a_part_closes_all(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 171."""
    await three.config[:1].close()
    assert not any(node.connected for node in three.config)
    with pytest.raises(gorums.NodeClosedError):
        await within(echo(three.config[2], Text()))


async def test_calls_after_close_fail(three: Cluster[ScriptedCalls]) -> None:
    await three.config.close()
    with pytest.raises(gorums.NodeClosedError) as error:
        await within(echo(three.node, Text()))
    assert error.value.node_id == 1
    with pytest.raises(gorums.IncompleteError) as incomplete:
        await within(ask(three.config, Text()).majority())
    assert all(isinstance(e, gorums.NodeClosedError) for e in incomplete.value.node_errors.values())


async def test_pending_calls_fail_when_the_configuration_is_closed(three: Cluster[ScriptedCalls]) -> None:
    call = echo(three.node, Text(text="silent"))
    quorum = ask(three.config, Text(text="silent")).async_all()
    for service in three:
        await service.has_seen("silent")
    await three.config.close()
    with pytest.raises(gorums.NodeClosedError):
        await within(call)
    with pytest.raises(gorums.IncompleteError) as error:
        await within(quorum)
    assert isinstance(error.value.node_errors[1], gorums.NodeClosedError)
    assert [node.pending for node in three.config] == [0, 0, 0]


async def test_async_with_closes() -> None:
    async with scripted(1) as cluster:
        async with connected(cluster.addresses) as config:
            pass
        with pytest.raises(gorums.NodeClosedError):
            await within(echo(config[0], Text()))


async def test_only_servers_of_this_world_answer_calls_back() -> None:
    with pytest.raises(TypeError, match=r"must be a pygorums\.Server"):
        gorums.connect(["127.0.0.1:1"], server=object())  # type: ignore[arg-type] # that is the point


@pytest.mark.parametrize("level", [0, 0.5, -1, 101, math.nan, math.inf])
async def test_a_level_of_suspicion_that_is_none(level: float) -> None:
    with pytest.raises(gorums.ConfigurationError, match="suspect_after is a level from 1 to 100"):
        gorums.connect(NOWHERE[:1], suspect_after=level)
