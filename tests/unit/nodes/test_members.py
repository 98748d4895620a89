"""When the members of a cluster may be others."""

from collections.abc import Mapping
from typing import Any

import pytest

from pygorums.base.errors import ConfigurationError
from pygorums.nodes.members import Members

NOW = {1: "one:1", 2: "two:1", 3: "localhost:1"}
MORE = {**NOW, 4: "four:1"}
MOVED = {**NOW, 2: "two:2"}
SAME = {**NOW, 1: "ONE:1", 3: "127.0.0.1:1"}  # written otherwise


@pytest.mark.parametrize(
    ("addresses", "epoch", "then"),
    [
        (NOW, 5, 5),
        (SAME, 5, 5),
        (NOW, 6, 6),
        (MORE, 6, 6),
        (MORE, 900, 900),
        (MOVED, 6, 6),
        (NOW, None, 5),
        (SAME, None, 5),
        (MORE, None, 6),
        (MOVED, None, 6),
    ],
)
def test_the_next_epoch(addresses: Mapping[int, str], epoch: int | None, then: int) -> None:
    members = Members(1, NOW)
    members.epoch = 5
    assert members.next_epoch(addresses, epoch) == then
    assert members.epoch == 5, "nothing has changed yet"


@pytest.mark.parametrize(
    ("addresses", "epoch", "why"),
    [
        (MORE, 4, "epoch 4 is over: this node is at epoch 5, with the members 1=one:1, 2=two:1, 3=localhost:1"),
        (NOW, 4, "epoch 4 is over"),
        (MORE, 5, "at epoch 5 already, with the members 1=one:1, 2=two:1, 3=localhost:1: each change needs an epoch"),
        (MOVED, 5, "at epoch 5 already"),
        (NOW, -1, "a whole number from 0, not -1"),
        (NOW, 5.0, "a whole number"),
        (NOW, True, "a whole number"),
        (NOW, "5", "a whole number"),
    ],
)
def test_what_is_no_next_epoch(addresses: Mapping[int, str], epoch: Any, why: str) -> None:
    members = Members(1, NOW)
    members.epoch = 5
    with pytest.raises(ConfigurationError, match=why):
        members.next_epoch(addresses, epoch)


@pytest.mark.parametrize(
    ("node_id", "addresses", "differs"),
    [
        (1, SAME, False),
        (3, SAME, False),
        (2, MOVED, True),
        (4, MORE, True),
        (3, {1: "one:1"}, True),
    ],
)
def test_who_is_another_one(node_id: int, addresses: Mapping[int, str], differs: bool) -> None:
    assert Members(1, NOW).differs(node_id, addresses) == differs
