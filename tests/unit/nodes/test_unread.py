"""What a slow reader gets to read."""

from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygorums.nodes.unread import ROOM, Unread

# Things are numbers; their states are new, up, down and gone.
Steps = list[tuple[int, str]]


def unread(known: dict[int, str] | None = None) -> Unread[int, str, tuple[int, str]]:
    return Unread(known or {}, first="new", last="gone")


def put(reader: Unread[int, str, tuple[int, str]], steps: Steps) -> None:
    for step in steps:
        reader.put(*step, step)


def rest(reader: Unread[int, str, tuple[int, str]]) -> Steps:
    return [reader.take() for _ in range(len(reader))]


def flaps(thing: int, count: int) -> Steps:
    return [(thing, ("down", "up")[n % 2]) for n in range(count)]


def test_as_many_as_there_is_room_for_are_all_told() -> None:
    reader = unread()
    steps = [step for pair in zip(flaps(1, ROOM // 2), flaps(2, ROOM // 2), strict=True) for step in pair]
    put(reader, steps)
    assert rest(reader) == steps
    assert reader.missed == 0


@pytest.mark.parametrize(
    ("known", "steps", "told"),
    [
        pytest.param({1: "up"}, flaps(1, ROOM + 1), [(1, "down")], id="the newest stays"),
        pytest.param({1: "up"}, [*flaps(1, ROOM), (2, "new")], [(2, "new")], id="what the reader knows is not told"),
        pytest.param({}, [*flaps(1, ROOM), (2, "up")], [(1, "up"), (2, "up")], id="what it does not know is"),
        pytest.param({}, [(2, "up"), *flaps(1, ROOM)], [(2, "up"), (1, "up")], id="in the order of the newest"),
        pytest.param({}, [(1, "new"), *flaps(1, ROOM - 1), (1, "gone")], [], id="what came and went was never there"),
        pytest.param({1: "up"}, [*flaps(1, ROOM), (1, "gone")], [(1, "gone")], id="who goes is told"),
        pytest.param({}, [*flaps(1, ROOM), (1, "gone")], [(1, "gone")], id="also if nothing was known"),
    ],
)
def test_too_many(known: dict[int, str], steps: Steps, told: Steps) -> None:
    reader = unread(known)
    put(reader, steps)
    assert len(steps) == ROOM + 1
    assert rest(reader) == told
    assert reader.missed == len(steps) - len(told)


def test_it_does_not_grow() -> None:
    """Not with what happens, and not with things that come and go: only with those that are there."""
    reader = unread({0: "up"})
    for number in range(1, 5000):
        put(reader, [(number, "new"), (number, "up"), (number, "gone"), *flaps(0, 2)])
        assert len(reader) <= ROOM
    put(reader, [(number, "up") for number in range(5000, 6000)])
    assert 1000 <= len(reader) <= 2000


def test_once_it_is_read_there_is_as_little_room_as_before() -> None:
    reader = unread()
    put(reader, [(number, "up") for number in range(1000)])
    rest(reader)
    put(reader, flaps(1, ROOM + 1))
    assert len(reader) == 1


@given(
    st.lists(st.one_of(st.integers(0, 3), st.none()), max_size=600),
    st.booleans(),
)
def test_what_is_told_adds_up(script: list[int | None], known: bool) -> None:
    """Things flap, leave and come again, and a reader reads now and then."""
    states: dict[int, str] = dict.fromkeys(range(4), "up") if known else {}
    reader = unread(states)
    told: defaultdict[int, list[str]] = defaultdict(list, {thing: [state] for thing, state in states.items()})
    count = read = 0

    def take() -> None:
        nonlocal read
        thing, state = reader.take()
        told[thing].append(state)
        read += 1

    for number, thing in enumerate(script):
        if thing is None:
            if reader:
                take()
            continue
        before = states.get(thing)
        state = "new" if before in (None, "gone") else "gone" if number % 7 == 0 else "down" if before == "up" else "up"
        states[thing] = state
        reader.put(thing, state, (thing, state))
        count += 1
    while reader:
        take()
    assert read + reader.missed == count
    for thing, state in states.items():
        if not (state == "gone" and not told[thing]):
            assert told[thing][-1] == state
        assert all(one != other for one, other in pairwise(told[thing])), "said twice"
