"""The shape of trees: each node is below one other, and all are below the root."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pygorums as gorums
from tests.support.calls import ScriptedCalls


def config_of(n: int, own: int) -> gorums.Configuration:
    """A configuration as that of a system, of nodes that nobody listens at."""
    server = gorums.Server(ScriptedCalls(), node_id=own)
    return gorums.connect({node_id: f"127.0.0.1:{node_id}" for node_id in range(1, n + 1)}, server=server)


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 7), st.integers(1, 4), st.data())
async def test_all_members_see_one_tree(n: int, fanout: int, data: st.DataObject) -> None:
    root = data.draw(st.integers(1, n))
    parents, below = {}, {}
    for own in range(1, n + 1):
        async with config_of(n, own) as config:
            tree = config.tree(fanout, root)
            parents[own] = None if tree.parent is None else tree.parent.id
            below[own] = set(tree.children.node_ids)
            assert len(below[own]) <= fanout
            parts = [set(tree.subtree(child).node_ids) for child in below[own]]
            assert sum(map(len, parts)) == len(set().union(*parts)), "subtrees have nothing in common"
            if own == root:
                assert set().union({own}, *parts) == set(range(1, n + 1))
    assert [own for own, parent in parents.items() if parent is None] == [root]
    assert {own: parent for own, parent in parents.items() if parent} == {
        child: own for own, children in below.items() for child in children
    }


async def test_what_cannot_be_a_tree() -> None:
    async with config_of(3, 1) as config:
        with pytest.raises(gorums.ConfigurationError, match=r"node 7 cannot be the root"):
            config.tree(root=7)
        with pytest.raises(ValueError, match="fanout"):
            config.tree(fanout=0)
        with pytest.raises(gorums.ConfigurationError, match="the own node is not in"):
            config.remove(1).tree()
        with pytest.raises(gorums.ConfigurationError, match="no node 9"):
            config.tree().subtree(9)
    async with gorums.connect(["127.0.0.1:1"]) as config:
        with pytest.raises(gorums.ConfigurationError, match=r"system\.outbound"):
            config.tree()
