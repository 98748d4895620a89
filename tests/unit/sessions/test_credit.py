"""What may be sent to somebody who handles it more slowly."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygorums.sessions.credit import Credit
from pygorums.sessions.kept import MESSAGE_COST, Kept

NO_LIMIT = 1 << 62


@dataclass(eq=False)
class Item:
    """A request, or what needs no credit."""

    name: str
    size: int
    withdrawn: bool = False

    @property
    def request(self) -> bool:
        return self.name.isupper()

    @property
    def cost(self) -> int:
        return MESSAGE_COST + self.size


def items(text: str, size: int = 488) -> list[Item]:
    """Requests are capital letters; each costs 1,000, as replies do."""
    return [Item(letter, size) for letter in text]


class End:
    """Sends, and hears what was taken."""

    def __init__(self, told: int | None, limit: int = NO_LIMIT) -> None:
        self.kept: Kept[Item] = Kept(NO_LIMIT)
        self.credit = Credit[Item](limit, told, lambda _, item: not item.request)
        self.sent = ""

    def send(self, more: Sequence[Item] = ()) -> str:
        frames, owners = self.credit.sift([bytes(item.size) for item in more], more, self.kept)
        assert [len(frame) for frame in frames] == [item.size for item in owners]
        if frames:
            self.kept.wrote(frames, owners, sum(map(len, frames)) + MESSAGE_COST * len(frames))
        text = "".join(item.name for item in owners)
        self.sent += text
        return text

    def hear(self, taken: int, credit: int | None = None) -> str:
        assert self.kept.acknowledge(taken)
        if credit is not None:
            self.credit.tell(credit)
        return self.send()


def test_requests_go_in_order_while_there_is_room_and_replies_at_once() -> None:
    end = End(3000)
    assert end.send(items("ABrCDsE")) == "ABrs"
    assert len(end.credit) == 3
    assert end.credit.size == 3 * 488
    assert end.send(items("tF")) == "t"
    assert end.hear(2, 4000) == "C"  # of A, B, r, s and t the last three are on their way
    assert end.hear(6, 1000) == "D"
    assert end.hear(7, 5000) == "EF"
    assert (len(end.credit), end.credit.size, end.credit.waiting) == (0, 0, set())


def test_what_is_withdrawn_while_it_waits_is_not_sent() -> None:
    end = End(1000)
    waits = items("BCD")
    assert end.send([*items("A"), *waits]) == "A"
    waits[0].withdrawn = waits[2].withdrawn = True
    assert end.hear(1) == "C"
    assert (len(end.credit), end.credit.size, end.credit.waiting) == (0, 0, set())


def test_what_is_larger_than_the_window_goes_alone() -> None:
    end = End(2000)
    assert end.send([*items("A"), Item("B", 5000), *items("C")]) == "A"
    assert end.hear(1, 1999) == "", "so much waits there that there is less room than there could be"
    assert end.hear(1, 2000) == "B"
    assert end.hear(1) == ""
    assert end.hear(2) == "C"


def test_replies_on_their_way_do_not_hold_requests_up_for_good() -> None:
    end = End(2000)
    assert end.send(items("ABC")) == "AB"
    assert end.send(items("rrrr")) == "rrrr"
    assert end.hear(1) == ""
    assert end.send(items("rr")) == "rr"
    assert end.hear(2) == "C", "all requests are taken, though replies may not be"


def test_a_window_that_opens_late() -> None:
    end = End(None)
    assert end.send(items("ABC")) == "ABC"
    assert end.hear(0, 0) == ""
    assert end.send(items("D")) == ""
    assert end.hear(3, 500) == "D", "as much room as there ever was, and nothing on its way"
    assert end.send(items("E")) == ""
    end.credit.tell(None)
    assert end.send() == "E"


def test_nothing_is_ever_let_in() -> None:
    end = End(0)
    assert end.send(items("AB")) == "A", "alone"
    assert end.hear(0, 0) == ""
    assert end.hear(1, 0) == "B"


@pytest.mark.parametrize("told", [1 << 64, (1 << 64) - 1, NO_LIMIT])
def test_more_room_than_there_can_be(told: int) -> None:
    end = End(told, limit=2500)
    assert end.send(items("ABC")) == "AB"
    assert end.hear(1) == "C"


def test_taken_back_in_order() -> None:
    end = End(1000)
    end.send(items("ABC"))
    frames, owners = end.credit.take_back()
    assert [item.name for item in owners] == ["B", "C"]
    assert len(frames) == 2
    assert (len(end.credit), end.credit.size, end.credit.waiting) == (0, 0, set())


class Ends:
    """Both ends: how much is on its way or waits at the other, at any time."""

    def __init__(self, window: int) -> None:
        self.window = window
        self.near = End(window)
        self.every: list[Item] = []
        self.written: list[Item] = []
        self.taken = 0
        self.backlog: list[Item] = []

    def send(self, more: Sequence[Item] = ()) -> None:
        self.every += more
        near = self.near
        frames, owners = near.credit.sift([bytes(item.size) for item in more], more, near.kept)
        if frames:
            near.kept.wrote(frames, owners, sum(map(len, frames)) + MESSAGE_COST * len(frames))
        self.written += owners

    def take(self, count: int) -> None:
        new = self.written[self.taken : self.taken + count]
        self.taken += len(new)
        self.backlog += [item for item in new if item.request]

    def tell(self) -> None:
        assert self.near.kept.acknowledge(self.taken)
        self.near.credit.tell(max(self.window - sum(item.cost for item in self.backlog), 0))
        self.send()

    def withdraw(self, index: int) -> None:
        if self.every and self.every[index % len(self.every)].request:
            self.every[index % len(self.every)].withdrawn = True

    def check(self) -> None:
        held = [*self.backlog, *(item for item in self.written[self.taken :] if item.request)]
        assert sum(item.cost for item in held) <= self.window + max((item.cost for item in self.every), default=0)
        went = set(map(id, self.written))
        assert len(went) == len(self.written), "once"
        for request in (True, False):
            sent = [item for item in self.written if item.request == request]
            assert sent == [item for item in self.every if item.request == request and id(item) in went], "in order"
        assert all(id(item) in went for item in self.every if not item.request), "at once"


steps = st.one_of(
    st.tuples(st.just("send"), st.text("Ar", max_size=5), st.integers(0, 3000)),
    st.tuples(st.sampled_from(["take", "handle", "tell", "withdraw"]), st.just(""), st.integers(0, 5)),
)


@given(st.integers(0, 6000), st.lists(steps, max_size=40))
def test_the_other_end_holds_no_more_than_its_window_and_one_message(
    window: int, schedule: list[tuple[str, str, int]]
) -> None:
    """And nothing waits for good once it handles what it holds, and says so."""
    ends = Ends(window)
    for step, text, number in schedule:
        if step == "send":
            ends.send(items(text, number))
        elif step == "take":
            ends.take(number)
        elif step == "handle":
            del ends.backlog[:number]
        elif step == "tell":
            ends.tell()
        else:
            ends.withdraw(number)
        ends.check()
    for _ in ends.every:
        ends.take(len(ends.written))
        ends.backlog.clear()
        ends.tell()
        ends.check()
    assert len(ends.near.credit) == 0
    assert all(item.withdrawn for item in ends.every if item not in ends.written)
