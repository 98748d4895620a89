"""Which numbers were seen, in memory that is bounded."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from pygorums.broadcast.seen import MOST_EARLY, Seen


@given(st.lists(st.integers(1, 40)))
def test_each_number_is_new_once(numbers: list[int]) -> None:
    seen, known = Seen(), set[int]()
    for number in numbers:
        assert seen.add(number) == (number not in known)
        known.add(number)
    assert seen.upto == next(number for number in range(100) if number + 1 not in known)
    assert not seen.lost


def test_a_gap_is_given_up_when_much_has_come_behind_it() -> None:
    seen = Seen()
    seen.add(1)
    for number in range(4, MOST_EARLY + 5):
        assert seen.add(number)
    assert (seen.upto, seen.lost) == (MOST_EARLY + 4, 2)
    assert not seen.add(2)
    assert seen.add(MOST_EARLY + 5)


def test_what_comes_in_order_costs_nothing() -> None:
    seen = Seen()
    for number in range(1, 100_000):
        seen.add(number)
    assert sys.getsizeof(seen._early) < 1000
