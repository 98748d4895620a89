from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from examples.storage.moments import moment, now
from examples.storage.state import Entry, State

EARLY = Timestamp(seconds=10, nanos=5)
LATE = Timestamp(seconds=10, nanos=6)


def test_a_key_that_was_never_written_is_not_there() -> None:
    state = State()
    state.write("other", "value", EARLY)
    assert state.read("key") is None


def test_a_newer_value_replaces_an_older_one_and_not_the_other_way_round() -> None:
    state = State()
    assert state.write("key", "early", EARLY)
    assert state.write("key", "late", LATE)
    assert not state.write("key", "early again", EARLY)
    assert state.read("key") == Entry("late", LATE)


def test_of_two_values_with_the_same_time_the_later_to_come_stays() -> None:
    state = State()
    assert state.write("key", "one", EARLY)
    assert state.write("key", "two", EARLY)
    assert state.read("key") == Entry("two", EARLY)


def test_keys_and_values_may_be_empty_and_times_absent() -> None:
    state = State()
    assert state.write("", "", Timestamp())
    assert state.read("") == Entry("", Timestamp())


@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**31), 2**31 - 1))))
def test_any_times_are_ordered_and_the_newest_value_stays(times: list[tuple[int, int]]) -> None:
    state = State()
    for number, (seconds, nanos) in enumerate(times):
        state.write("key", str(number), Timestamp(seconds=seconds, nanos=nanos))
    entry = state.read("key")
    if times:
        newest = max(times)
        assert entry is not None
        assert moment(entry.time) == newest
        assert entry.value == str(max(number for number, time in enumerate(times) if time == newest))
    else:
        assert entry is None


def test_now_does_not_go_back_while_nobody_sets_the_clock() -> None:
    times = [moment(now()) for _ in range(100)]
    assert times == sorted(times)
    assert times[0][0] > 1_700_000_000
