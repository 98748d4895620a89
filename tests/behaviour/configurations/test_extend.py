"""Further nodes for a configuration, while it is in use."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster, connected
from tests.support.nowhere import NOWHERE, unreachable
from tests.support.waiting import within


async def test_a_list_gets_the_next_ids() -> None:
    """Rows: 151, 158."""
    async with gorums.connect({3: NOWHERE[0], 7: NOWHERE[1]}) as config:
        extended = config.extend(NOWHERE[2:4])
        assert {node.id: node.address for node in extended} == {
            3: NOWHERE[0],
            7: NOWHERE[1],
            8: NOWHERE[2],
            9: NOWHERE[3],
        }
        assert [node.id for node in config] == [3, 7], "it has not changed"
        assert extended[0] is config[0]
        assert config[:1].extend(NOWHERE[4:5]).node_ids == (3, 10), "IDs that others of the same connections use count"
        assert config.remove(7).extend(NOWHERE[5:6]).node_ids == (3, 11)


async def test_a_mapping_gives_the_ids_and_may_name_known_nodes() -> None:
    """Rows: 154, 157, 174."""
    async with gorums.connect({1: NOWHERE[0], 9: NOWHERE[1]}) as config:
        extended = config.extend({5: NOWHERE[2], 1: NOWHERE[0]})
        assert extended.node_ids == (1, 5, 9)
        assert extended[0] is config[0]
        assert config[:1].extend({9: NOWHERE[1]})[1] is config[1]


@pytest.mark.parametrize(
    ("nodes", "why"),
    [
        pytest.param([], "missing node addresses", id="empty list"),
        pytest.param({}, "missing node addresses", id="empty mapping"),
        pytest.param([NOWHERE[1]], "already in use by node 2", id="address in use"),
        pytest.param([NOWHERE[5], NOWHERE[5]], "already in use by node 4", id="address twice"),
        pytest.param(["localhost:9"], "already in use by node 1", id="the same host by another name"),
        pytest.param({2: NOWHERE[5]}, "node 2 is already in use by", id="ID in use"),
        pytest.param({0: NOWHERE[5]}, "0 is reserved", id="ID 0"),
        pytest.param([NOWHERE[5], "nonsense"], "invalid address 'nonsense'", id="malformed after a good one"),
        pytest.param({4: NOWHERE[5], 1 << 32: NOWHERE[6]}, "IDs go from 1", id="ID too large"),
    ],
)
async def test_what_cannot_be_added(nodes: Sequence[str] | Mapping[int, str], why: str) -> None:
    """Nothing has changed then, not even for the nodes that came before the wrong one.

    Rows: 150, 152, 153, 154, 158, 159.
    """
    async with unreachable(3) as config:
        with pytest.raises(gorums.ConfigurationError, match=why):
            config.extend(nodes)
        assert sorted(config.pool.nodes) == [1, 2, 3]
        assert config.extend([NOWHERE[7]]).node_ids == (1, 2, 3, 4)


async def test_ids_can_run_out() -> None:
    async with gorums.connect({(1 << 32) - 1: NOWHERE[0]}) as config:
        with pytest.raises(gorums.ConfigurationError, match=f"IDs go from 1 to {(1 << 32) - 1}"):
            config.extend(NOWHERE[1:2])
        assert config.extend({1: NOWHERE[1]}).node_ids == (1, (1 << 32) - 1)


async def test_streams_are_shared(three: Cluster[ScriptedCalls]) -> None:
    """Calls over the old configuration and over the extended one keep their order at a node that both have.

    Rows: 158.
    """
    async with connected(three.addresses[:1]) as config:
        extended = config.extend(three.addresses[1:])
        await extended.wait_connected(timeout=10)
        calls = [ask((config, extended)[n % 2], Text(text=str(n))).async_all() for n in range(20)]
        await within(asyncio.gather(*calls))
        assert three.service.seen == [str(n) for n in range(20)]
        assert three.services[1].seen == [str(n) for n in range(1, 20, 2)]
        assert len({ctx.peer for ctx in three.service.contexts}) == 1, "one stream"


async def test_extending_while_calls_run(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 158, 160."""
    async with connected(three.addresses[:1]) as config:
        held = ask(config, Text(text="hold-free:x")).async_all()
        await three.service.has_seen("hold-free:x")
        extended = config.extend(three.addresses[1:])
        assert (await within(ask(extended, Text(text="new")).all())).text == "new"
        assert not held.done()
        three.service.gates["x"].open()
        assert (await within(held)).text == "hold-free:x"


async def test_many_tasks_extend_at_once(one: Cluster[ScriptedCalls]) -> None:
    """Each gets IDs of its own, and all keep calling.

    Rows: 160.
    """
    async with connected(one.addresses) as config:

        async def extend(number: int) -> gorums.Configuration:
            await echo(config[0], Text(text=str(number)))
            return config.extend(NOWHERE[number : number + 1])

        extended = await within(asyncio.gather(*(extend(n) for n in range(20))))
        assert sorted(c[1].id for c in extended) == list(range(2, 22))
        everybody = config
        for each in extended:
            everybody |= each
        assert len(everybody) == 21


async def test_a_closed_configuration_cannot_be_extended() -> None:
    """Or nobody would ever close the new connections."""
    async with unreachable(1) as config:
        pass
    with pytest.raises(gorums.NodeClosedError, match="connect again"):
        config.extend(NOWHERE[1:2])


async def test_closing_closes_the_new_nodes_too(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 171."""
    async with connected(three.addresses[:1]) as config:
        extended = config.extend(three.addresses[1:])
        await extended.wait_connected(timeout=10)
    assert [node.connected for node in extended] == [False] * 3
    await config.close()
    await extended.close()
