"""How several observers share one hook."""

import pytest

from pygorums.base.observing import checked_observers, together


class Seen:
    def __init__(self, log: list[str], name: str, *, each_node: bool = True) -> None:
        self.log, self.name, self.each_node = log, name, each_node
        self.metadata = ((name, "1"),)

    def replied(self, node_id: int) -> None:
        self.log.append(f"{self.name} replied {node_id}")

    def failed(self, node_id: int, error: Exception) -> None:
        self.log.append(f"{self.name} failed {node_id}")

    def ended(self, seconds: float, error: BaseException | None) -> None:
        self.log.append(f"{self.name} ended")


def test_nothing_to_begin() -> None:
    assert together([]) is None


def test_one_that_follows_is_followed_without_detour() -> None:
    only = Seen([], "a")
    for begin in (together([lambda _: only]), together([lambda _: None, lambda _: only])):
        assert begin is not None
        assert begin(1) is only


def test_none_that_follows() -> None:
    begin = together([lambda _: None, lambda _: None])
    assert begin is not None
    assert begin(1) is None


def test_several_are_all_told_in_order() -> None:
    log: list[str] = []
    begin = together([lambda _: Seen(log, "a"), lambda _: Seen(log, "b", each_node=False)])
    assert begin is not None
    both = begin(1)
    assert both.metadata == (("a", "1"), ("b", "1"))
    assert both.each_node
    both.replied(1)
    both.failed(2, ValueError())
    both.ended(0.1, None)
    assert log == ["a replied 1", "a failed 2", "a ended", "b ended"]


def test_who_fails_to_begin_keeps_nobody_from_it(caplog: pytest.LogCaptureFixture) -> None:
    log: list[str] = []

    def broken(what: object) -> None:
        raise ZeroDivisionError

    for begin in (together([broken]), together([broken, lambda _: Seen(log, "a")])):
        assert begin is not None
        if (begun := begin(1)) is not None:
            begun.ended(0.1, None)
    assert log == ["a ended"]
    assert [record.message for record in caplog.records] == ["an observer failed"] * 2


def test_what_is_an_observer() -> None:
    class Calls:
        def call(self) -> None: ...

    calls = Calls()
    assert checked_observers([calls], "call") == (calls,)
    assert checked_observers(iter([calls]), "request", "call") == (calls,)
    for wrong in ([calls], [Calls]):
        with pytest.raises(TypeError, match="with a method `request`, not"):
            checked_observers(wrong, "request")
    with pytest.raises(TypeError, match="must be a list"):
        checked_observers(calls, "call")  # type: ignore[arg-type] # which is what is tested
