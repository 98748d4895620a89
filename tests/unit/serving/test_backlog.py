"""Requests that wait: in order, bounded, and holding on to no more than they are."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from pygorums.serving.backlog import Backlog
from pygorums.wire.framing import split
from pygorums.wire.stream_pb2 import Frame, Message
from tests.support.frames import envelope, request

COST = 512


def came(*requests: Message, together: bool = True) -> tuple[Sequence[Message | Frame], int]:
    """Requests as they come off a stream, with their size."""
    data = envelope(*requests).SerializeToString() if together else requests[0].SerializeToString()
    return split(data, batching=True), len(data)


def numbers(backlog: Backlog) -> list[int]:
    """Takes out all; their numbers."""
    taken = []
    while backlog.waiting:
        taken.append(backlog.take()[0].message_seq_no)
    return taken


def test_what_is_counted_is_the_whole_message() -> None:
    """Method names and metadata too, not the payload alone."""
    backlog = Backlog(1 << 20)
    for one in (request(1, "m" * 5000), request(2, "m", entries=[("k", "v" * 5000)]), request(3, "m", bytes(5000))):
        before = backlog.bytes
        backlog.put(*came(one, together=False))
        assert 5000 < backlog.bytes - before - COST < 5050
    while backlog.waiting:
        backlog.take()
    assert backlog.bytes == 0


def test_what_does_not_fit_is_returned() -> None:
    backlog = Backlog(10_000)
    requests, size = came(*(request(n, "m", bytes(1000)) for n in range(1, 11)))
    refused = backlog.put(requests, size)
    kept = numbers(backlog)
    assert kept == list(range(1, len(kept) + 1))
    assert [each.message_seq_no for each in refused] == list(range(len(kept) + 1, 11))
    assert 10_000 - 2 * (1000 + COST + 50) < len(kept) * (1000 + COST) <= 10_000


def test_a_single_one_always_fits_into_an_empty_queue() -> None:
    backlog = Backlog(10)
    assert not backlog.put(*came(request(1, "m", bytes(1000)), together=False))
    assert len(backlog.put(*came(request(2, "m"), together=False))) == 1
    assert numbers(backlog) == [1]


def test_what_waits_for_long_is_copied_out_of_its_envelope() -> None:
    """Without what nobody will look at."""
    backlog = Backlog(1 << 20)
    backlog.put(*came(*(request(n, "m", b"x") for n in range(1, 4))))
    assert not any(isinstance(each, bytes) for each, _, _ in backlog.waiting)
    late = Message.FromString(request(4, "m").SerializeToString() + b"\xa2\x06\x03abc")
    backlog.put((late,), late.ByteSize())
    assert [isinstance(each, bytes) for each, _, _ in backlog.waiting] == [True, True, True, False]
    backlog.put(*came(request(5, "m"), together=False))
    assert backlog.waiting[3][0] == request(4, "m").SerializeToString()
    assert numbers(backlog) == [1, 2, 3, 4, 5]
    assert backlog.bytes == 0


def test_envelopes_of_very_many_are_not_kept_whole() -> None:
    backlog = Backlog(1 << 30)
    requests, size = came(*[Message()] * 10_000)
    backlog.put(requests, size)
    assert all(isinstance(each, bytes) for each, _, _ in backlog.waiting)
    assert backlog.bytes == 10_000 * COST


def test_a_large_one_that_has_to_wait_is_copied_out() -> None:
    backlog = Backlog(1 << 30)
    backlog.put(*came(request(1, "m", entries=[("", "")] * 200_000), together=False))
    assert not isinstance(backlog.waiting[0][0], bytes)
    backlog.settle()
    assert isinstance(backlog.waiting[0][0], bytes)
    assert len(backlog.take()[0].entry) == 200_000


def test_who_wants_to_know_is_told() -> None:
    """Once, and each at its own bound."""
    backlog = Backlog(1 << 20)
    told: list[str] = []
    backlog.put(*came(request(1, "m"), request(2, "m")))
    one = backlog.bytes // 2
    backlog.when_below(one, lambda: told.append("one"))
    backlog.when_below(one + 1, lambda: told.append("one, too"))
    backlog.when_below(0, lambda: told.append("none"))
    backlog.put(*came(request(3, "m"), together=False))
    backlog.take()
    assert not told
    backlog.take()
    assert told == ["one", "one, too"]
    backlog.put(*came(request(4, "m"), together=False))
    backlog.when_below(one, lambda: told.append("again"))
    backlog.clear()
    assert told[2:] == ["none", "again"]


@given(st.lists(st.one_of(st.integers(1, 40), st.just(-1), st.just(-5)), max_size=30), st.integers(2_000, 60_000))
def test_order_and_count(steps: list[int], limit: int) -> None:
    """Whatever comes and goes: each request is in its place or was returned, and what is counted is what is there."""
    backlog, number = Backlog(limit), 0
    expected: list[int] = []
    taken: list[int] = []
    for step in steps:
        if step > 0:
            requests, size = came(*(request(number + n, "m", bytes(n % 3 * 400)) for n in range(1, step + 1)))
            refused = backlog.put(requests, size)
            expected += range(number + 1, number + step + 1 - len(refused))
            end = number + step + 1
            assert [each.message_seq_no for each in refused] == list(range(end - len(refused), end))
            number += step
        else:
            taken += [backlog.take()[0].message_seq_no for _ in range(min(-step, len(backlog.waiting)))]
        assert backlog.bytes == sum(cost for _, cost, _ in backlog.waiting)
        # What came together counts as equally large until it is copied out.
        assert backlog.bytes <= limit + 25_000 or len(backlog.waiting) == 1
    assert taken + numbers(backlog) == expected
    assert backlog.bytes == 0
