"""Telling readers what happens to nodes."""

import random
from collections import defaultdict
from itertools import pairwise

from pygorums.base.errors import StreamDownError
from pygorums.nodes.changes import (
    Changes,
    Happenings,
    NodeAdded,
    NodeChange,
    NodeDown,
    NodeRemoved,
    NodeSuspected,
    NodeUp,
)


class Node:
    """One whose state a test says."""

    def __init__(self, number: int) -> None:
        self.id = number
        self.connected = self.suspected = False
        self.last_error: Exception | None = None

    def turn(self, *, up: bool) -> None:
        self.connected, self.last_error = up, None if up else StreamDownError("gone", node_id=self.id)


def all_of(node: Node) -> bool:
    return True


def rest(changes: Changes[Node]) -> list[tuple[type[NodeChange[Node]], int]]:
    told = []
    while (change := changes.take()) is not None:
        told.append((type(change), change.node_id))
    return told


def test_a_node_is_looked_at_often_and_told_of_once() -> None:
    happenings: Happenings[Node] = Happenings(lambda: False)
    node, changes = Node(3), happenings.read(all_of)
    happenings.added(node)
    node.turn(up=False)
    happenings.look(node)
    happenings.look(node)
    node.turn(up=True)
    happenings.look(node)
    happenings.look(node)
    happenings.removed(node)
    assert rest(changes) == [(NodeAdded, 3), (NodeDown, 3), (NodeUp, 3), (NodeRemoved, 3)]


def test_a_node_that_has_not_failed_yet_is_not_down() -> None:
    happenings: Happenings[Node] = Happenings(lambda: False)
    node, changes = Node(3), happenings.read(all_of)
    happenings.look(node)
    assert rest(changes) == []


def test_a_node_that_is_suspected_is_heard_again_or_lost() -> None:
    happenings: Happenings[Node] = Happenings(lambda: False)
    node, changes = Node(3), happenings.read(all_of)
    for connected, suspected in [
        (True, False),
        (True, True),
        (True, True),
        (True, False),
        (True, True),
        (False, False),
    ]:
        node.turn(up=connected)
        node.suspected = suspected
        happenings.look(node)
    assert [kind for kind, _ in rest(changes)] == [NodeUp, NodeSuspected, NodeUp, NodeSuspected, NodeDown]


def test_nothing_is_told_once_it_is_over() -> None:
    over = False
    happenings: Happenings[Node] = Happenings(lambda: over)
    node, changes = Node(3), happenings.read(all_of)
    over = True
    happenings.added(node)
    assert rest(changes) == []


def test_ten_thousand_flaps() -> None:
    """Whatever a reader misses, what it is told last of a node is how it is."""
    happenings: Happenings[Node] = Happenings(lambda: False)
    nodes = [Node(number) for number in range(1, 8)]
    never, seldom, wanted = happenings.read(all_of), happenings.read(all_of), happenings.read(lambda n: n is nodes[0])
    told: defaultdict[Changes[Node], list[tuple[type[NodeChange[Node]], int]]] = defaultdict(list)
    chance = random.Random(1)
    flapped = [0, 0]
    for _ in range(10_000):
        node = chance.choice(nodes)
        node.turn(up=not node.connected)
        happenings.look(node)
        flapped[node is nodes[0]] += 1
        if chance.random() < 0.01:
            told[seldom] += rest(seldom)
    for changes in (never, seldom, wanted):
        told[changes] += rest(changes)
    for changes, count in ((never, 10_000), (seldom, 10_000), (wanted, flapped[True])):
        assert len(told[changes]) + changes.missed == count
        assert changes.missed > 0
        for node in nodes if changes is not wanted else nodes[:1]:
            states = [kind for kind, number in told[changes] if number == node.id]
            assert states[-1] is (NodeUp if node.connected else NodeDown)
            assert all(one != other for one, other in pairwise(states)), "said twice"
