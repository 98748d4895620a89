"""Configurations made of others: by node, always new ones, sharing the connections."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pygorums as gorums
from tests.protos.calls_gorums import ask, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster, connected
from tests.support.nowhere import NOWHERE, unreachable
from tests.support.waiting import until, within

Derive = Callable[[gorums.Configuration], gorums.Configuration]

DERIVATIONS: list[tuple[str, Derive, list[int]]] = [
    ("add", lambda c: c[:2].add(5), [1, 2, 5]),
    ("add sorts by ID", lambda c: c[3:].add(1), [1, 4, 5]),
    ("add what is there", lambda c: c.add(1, 1, 3), [1, 2, 3, 4, 5]),
    ("add nothing", lambda c: c[::-1][:2].add(), [4, 5]),
    ("remove", lambda c: c.remove(1, 4), [2, 3, 5]),
    ("remove keeps the order", lambda c: c[::-1].remove(3), [5, 4, 2, 1]),
    ("remove what is not there", lambda c: c[:2].remove(5), [1, 2]),
    ("remove all", lambda c: c.remove(1, 2, 3, 4, 5), []),
    ("union", lambda c: c[3:] | c[:1], [1, 4, 5]),
    ("union of overlapping ones", lambda c: c[:3].union(c[2:4]), [1, 2, 3, 4]),
    ("union with itself", lambda c: c | c, [1, 2, 3, 4, 5]),
    ("union with nobody", lambda c: c[2:] | c[:0], [3, 4, 5]),
    ("union of nobody", lambda c: c[:0] | c[:2], [1, 2]),
    ("difference", lambda c: c - c[1:3], [1, 4, 5]),
    ("difference keeps the order", lambda c: c[::-1].difference(c[:2]), [5, 4, 3]),
    ("difference to itself", lambda c: c - c, []),
    ("difference to nobody", lambda c: c - c[:0], [1, 2, 3, 4, 5]),
    ("intersection", lambda c: c[:3] & c[1:], [2, 3]),
    ("intersection keeps the order", lambda c: c[::-1].intersection(c[:2]), [2, 1]),
    ("several", lambda c: (c[:3] | c[3:]) - c[:1] & c[::-1], [2, 3, 4, 5]),
]


@pytest.mark.parametrize(("derive", "ids"), [pytest.param(d, ids, id=name) for name, d, ids in DERIVATIONS])
async def test_set_operations(derive: Derive, ids: list[int]) -> None:
    """Each gives a new configuration and leaves the one that it was made from alone.

    Rows: 157, 161, 163, 165.
    """
    async with unreachable(5) as config:
        derived = derive(config)
        assert list(derived.node_ids) == ids
        assert all(node is config[node.id - 1] for node in derived)
        assert derived.pool is config.pool
        assert list(config.node_ids) == [1, 2, 3, 4, 5]


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(a=st.sets(st.integers(0, 7)), b=st.sets(st.integers(0, 7)))
def test_they_are_those_of_sets(shared_loop: "LoopOfNodes", a: set[int], b: set[int]) -> None:
    """Rows: 163, 165."""
    left, right = shared_loop.part(a), shared_loop.part(b)
    for derived, expected in ((left | right, a | b), (left - right, a - b), (left & right, a & b)):
        assert set(derived.node_ids) == {index + 1 for index in expected}
    assert (left | right) == (right | left)
    assert left == (left & right) | (left - right)


class LoopOfNodes:
    """Eight nodes that outlive the examples of a test."""

    def __init__(self, config: gorums.Configuration) -> None:
        self._config = config

    def part(self, indices: set[int]) -> gorums.Configuration:
        """The nodes at `indices`."""
        return self._config.remove(*(node.id for index, node in enumerate(self._config) if index not in indices))


@pytest.fixture
async def shared_loop() -> "LoopOfNodes":  # type: ignore[misc]  # pytest-asyncio runs it as a generator
    async with unreachable(8) as config:
        yield LoopOfNodes(config)


async def test_ids_that_nobody_has_cannot_be_added() -> None:
    """Rows: 162."""
    async with unreachable(3) as config:
        with pytest.raises(gorums.ConfigurationError, match=r"no node 7.*extend"):
            config[:1].add(2, 7)


async def test_an_empty_configuration() -> None:
    """Rows: 161, 165, 168, 169."""
    async with unreachable(3) as config:
        nobody = config[:0]
        assert (len(nobody), list(nobody), nobody.node_ids, bool(nobody)) == (0, [], (), False)
        assert 1 not in nobody
        assert config[0] not in nobody
        for same in (nobody.remove(1), nobody - config, nobody & config, nobody.sort_by(gorums.latency), nobody.add()):
            assert same == nobody
        assert nobody.without_errors(gorums.QuorumCallError("m", {1: OSError()})) == nobody
        assert nobody.add(2).node_ids == (2,)
        assert repr(nobody) == "<Configuration empty>"
        await within(spread(nobody, Text()))
        with pytest.raises(gorums.IncompleteError, match="has 0 nodes"):
            await within(ask(nobody, Text()).first())
        extended = nobody.extend(NOWHERE[3:4])
        assert extended.node_ids == (4,), "an ID is never used twice"


async def test_nodes_of_different_connects_do_not_mix() -> None:
    """Rows: 164."""
    async with unreachable(2) as config, gorums.connect(NOWHERE[4:6]) as other:
        with pytest.raises(gorums.ConfigurationError, match="extend"):
            config | other
        assert config - other == config
        assert not config & other
        mixed = config[:0] | other
        assert mixed == other
        assert mixed.pool is other.pool


async def test_the_same_node_everywhere() -> None:
    """Derived configurations and their nodes can be kept in sets and dicts.

    Rows: 161, 170.
    """
    async with unreachable(3) as config:
        assert config.remove(3).add(3) == config
        assert hash(config.remove(3).add(3)) == hash(config)
        assert config[::-1] != config, "the order counts"
        assert {config[:2]: "a"}[config.remove(3)] == "a"
        assert config != config.node_ids


async def test_only_configurations_have_a_union_with_one() -> None:
    async with unreachable(2) as config:
        for operand in ([1], config.node_ids, {config[0]}, None):
            with pytest.raises(TypeError):
                config | operand
            with pytest.raises(TypeError):
                config - operand
            with pytest.raises(TypeError):
                config & operand


async def test_derived_configurations_can_be_called(three: Cluster[ScriptedCalls]) -> None:
    """A majority is one of the configuration that is called.

    Rows: 173.
    """
    text = "ok ok fail"
    assert (await within(ask(three.config.remove(3), Text(text=text)).majority())).number in (1, 2)
    assert (await within(ask(three.config[2:] | three.config[:1], Text(text=text)).first())).number == 1
    for pair in (three.config.remove(1), three.config - three.config[:1]):
        with pytest.raises(gorums.IncompleteError) as error:
            await within(ask(pair, Text(text=text)).majority())
        assert list(error.value.node_errors) == [3]


async def test_a_servers_own_configurations() -> None:
    """The configurations that a server keeps have the operations too, but belong to the server.

    Rows: 161.
    """
    async with gorums.Server(node_id=1, peers=NOWHERE[:3]) as server:
        address = await server.start("127.0.0.1:0")
        async with connected([address], server=gorums.Server(node_id=2)):
            await until(lambda: len(server.config()) == 2)
            config = server.config()
            assert config.node_ids == (1, 2)
            assert config.remove(2).add(2) == config
            assert config[:1] | config[1:] == config
            with pytest.raises(gorums.ConfigurationError, match="no node 3"):
                config.add(3)
            with pytest.raises(gorums.ConfigurationError, match="connect to the server"):
                config.extend(NOWHERE[5:6])
            with pytest.raises(gorums.ConfigurationError, match="stop the server"):
                await config.close()
        watching = config.watch(60, lambda c: c)
        assert await within(anext(watching)) == config
        await within(server.stop())
        with pytest.raises(StopAsyncIteration):
            await within(anext(watching))
