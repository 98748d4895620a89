"""What is kept until it is acknowledged."""

from hypothesis import given
from hypothesis import strategies as st

from pygorums.sessions.kept import Budget, Kept


def kept_of(*frames: bytes, limit: int = 1000, budget: Budget | None = None) -> Kept[int]:
    kept: Kept[int] = Kept(limit, budget)
    for number, frame in enumerate(frames, 1):
        kept.wrote([frame], [number], len(frame))
    return kept


def test_what_is_acknowledged_is_not_written_again() -> None:
    kept = kept_of(b"a", b"bb", b"ccc")
    assert kept.acknowledge(1)
    assert (kept.written, kept.acknowledged, kept.size, list(kept.owners)) == (3, 1, 5, [2, 3])
    assert kept.resume(2) == ([b"ccc"], [3])
    assert (kept.written, kept.acknowledged, kept.size) == (2, 2, 0)


def test_numbers_that_cannot_be() -> None:
    kept = kept_of(b"a", b"b")
    assert not kept.acknowledge(3)
    assert kept.acknowledge(2)
    assert kept.acknowledge(1)  # an old one, which says nothing new
    assert kept.acknowledged == 2
    assert kept.resume(1) is None
    assert kept.resume(3) is None
    assert kept.resume(2) == ([], [])


def test_the_oldest_are_dropped_and_nothing_can_go_on_until_they_are_acknowledged() -> None:
    kept = kept_of(b"a" * 400, b"b" * 400, b"c" * 400)
    assert not kept.resumable
    assert list(kept.owners) == [3]
    assert kept.written == 3
    assert kept.resume(1) is None
    assert kept.acknowledge(1)
    assert not kept.resumable
    assert kept.acknowledge(2)
    assert kept.resumable
    assert kept.resume(2) == ([b"c" * 400], [3])


def test_one_that_is_larger_than_the_bound_is_not_kept() -> None:
    kept = kept_of(b"a" * 2000)
    assert (kept.size, kept.written, kept.resumable) == (0, 1, False)
    assert kept.acknowledge(1)
    assert kept.resumable


def test_a_part_of_what_was_written_together_is_acknowledged() -> None:
    budget = Budget(1_000_000)
    kept: Kept[str] = Kept(1_000_000, budget)
    frames = [letter.encode() * 100_000 for letter in "abcde"]
    kept.wrote(frames[:2], "ab", 200_000)
    kept.wrote(frames[2:], "cde", 300_000)
    for taken in (1, 3, 4):
        assert kept.acknowledge(taken)
        assert (kept.size, kept.written, [*kept.owners]) == (100_000 * (5 - taken), 5, [*"abcde"[taken:]])
        assert kept.resumable
    assert not kept.acknowledge(6)
    assert kept.resume(4) == ([frames[4]], ["e"])
    assert (kept.written, kept.size, budget.size) == (4, 0, 0)
    kept.wrote(frames[:1], "a", 100_000)
    assert kept.written == 5
    assert kept.resume(5) == ([], [])


def test_all_together_have_a_bound() -> None:
    budget = Budget(150_000)
    first = kept_of(b"a" * 90_000, limit=100_000, budget=budget)
    second = kept_of(b"b" * 50_000, limit=100_000, budget=budget)
    second.wrote([b"c" * 30_000], [2], 30_000)
    assert first.resumable
    assert not second.resumable
    assert budget.size == first.size + second.size <= 150_000
    first.restart()
    second.restart()
    assert budget.size == 0


@given(st.lists(st.tuples(st.sampled_from(["write", "ack", "resume"]), st.integers(0, 400)), max_size=60))
def test_nothing_is_lost_or_doubled(steps: list[tuple[str, int]]) -> None:
    """As two lists would have it: what was written, in the order of the numbers, and how much of it is known taken."""
    kept: Kept[int] = Kept(1000)
    written: list[int] = []
    acknowledged = base = serial = 0
    for step, number in steps:
        if step == "write":
            together = range(serial, serial + 1 + number % 3)
            serial = together.stop
            written += together
            kept.wrote([bytes(number)] * len(together), together, number * len(together))
        elif step == "ack":
            assert kept.acknowledge(number) == (number <= len(written))
            if number <= len(written):
                acknowledged = max(acknowledged, number)
        else:
            again = kept.resume(number)
            if again is None:
                assert number < acknowledged or number > len(written) or not kept.resumable
                acknowledged = max(acknowledged, min(number, len(written)) if number <= len(written) else 0)
            else:
                assert again[1] == written[number:]
                del written[number:]
                acknowledged = number
        base = len(written) - len(kept.owners)
        assert kept.written == len(written)
        assert kept.acknowledged == acknowledged
        assert list(kept.owners) == written[base:]
        assert kept.resumable == (base <= acknowledged)
        assert kept.size <= 1000
