"""What to believe of replies."""

import pytest
from google.protobuf.wrappers_pb2 import Int64Value
from hypothesis import given
from hypothesis import strategies as st

from pygorums import quorums as q


def number(reply: Int64Value) -> int:
    return reply.value


@given(st.dictionaries(st.integers(1, 9), st.integers(0, 4)), st.integers(0, 3))
def test_the_newest_that_enough_agree_on(values: dict[int, int], f: int) -> None:
    replies = {node_id: Int64Value(value=value) for node_id, value in values.items()}
    vouched = [value for value in values.values() if list(values.values()).count(value) > f]
    best = q.vouched(replies, f=f, key=number)
    assert (best and best.value) == max(vouched, default=None)


def test_who_lies_about_the_version_convinces_nobody() -> None:
    honest = {1: ("old", 1), 2: ("new", 2), 3: ("new", 2), 4: ("lie", 2), 5: ("lie", 99)}
    assert q.vouched(honest, f=1, key=lambda reply: reply[1]) == ("new", 2)
    assert q.vouched({1: ("a", 1), 2: ("b", 1)}, f=1, key=lambda reply: reply[1]) is None


def test_f_is_no_negative_number() -> None:
    with pytest.raises(ValueError, match="-1"):
        q.vouched({}, f=-1, key=str)
