"""Limits and the allowance for frames that carry nothing, as numbers; and what connections leave behind."""

from __future__ import annotations

import gc
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pygorums.transports.http2.faults import GoAwayError
from pygorums.transports.http2.limits import Allowance, Limits
from pygorums.transports.http2.past import Past, Was
from pygorums.transports.http2.status import Code, Status
from tests.unit.transports.http2.pair import Pair


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_message": -1},
        {"max_message": 1 << 32},
        {"max_header_list": 0},
        {"stream_window": 0},
        {"stream_window": 1 << 31},
        {"connection_window": 1 << 31},
        {"max_frame": 16_383},
        {"max_frame": 1 << 24},
        {"max_streams": -1},
    ],
    ids=str,
)
def test_limits_out_of_their_ranges(wrong: dict[str, int]) -> None:
    [name] = wrong
    with pytest.raises(ValueError, match=f"{name} must be from"):
        Limits(**wrong)


def spend_all(allowance: Allowance, now: float, progress: int) -> int:
    for spent in range(100_000):
        try:
            allowance.spend(1, now, progress)
        except GoAwayError:
            return spent
    raise AssertionError("it has no end")


def test_an_allowance_grows_with_time_and_with_progress_but_not_beyond_its_size() -> None:
    assert spend_all(Allowance(100, 10), 5.0, 0) == 100
    allowance = Allowance(100, 10)
    assert spend_all(allowance, 5.0, 0) == 100
    assert spend_all(allowance, 8.0, 0) == 29  # the one that failed has been counted
    assert spend_all(allowance, 8.0, 10) == 39
    assert spend_all(allowance, 1e9, 10**9) == 100


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 5), st.floats(0, 10), st.integers(0, 3))))
def test_an_allowance_is_never_more_than_was_earned(steps: list[tuple[int, float, int]]) -> None:
    allowance = Allowance(20, 2)
    now, progress, spent = 0.0, 0, 0
    for cost, passed, done in steps:
        now, progress = now + passed, progress + done
        try:
            allowance.spend(cost, now, progress)
        except GoAwayError:
            return
        spent += cost
        assert spent <= 20 + 2 * now + 4 * progress


def test_only_the_last_streams_are_remembered() -> None:
    past = Past()
    for stream in range(5000):
        past.reset_by_us(stream, 100)
        past.ended(stream)
    assert len(past._how) == len(past._left) == Past.SIZE
    assert past.how(0) is None
    assert past.how(4999) is Was.RESET_BY_US
    assert past.on_its_way(4999, 60)
    assert not past.on_its_way(4999, 0)
    assert not past.on_its_way(4999, 60)
    past.reset_by_peer(5000)
    past.ended(5001)
    assert (past.how(5000), past.how(5001)) == (Was.RESET_BY_PEER, Was.ENDED)


def test_a_connection_that_is_over_needs_no_collector() -> None:
    pair = Pair()
    ours, theirs = pair.open()
    ours.send([b"x"])
    theirs.finish(Status(Code.OK))
    pair.run()
    pair.open()
    pair.client.close()
    pair.run()
    pair.server.lost("closed")
    gone = (weakref.ref(pair.client), weakref.ref(pair.server))
    gc.disable()
    try:
        del pair, ours, theirs
        assert [ref() for ref in gone] == [None, None]
    finally:
        gc.enable()
