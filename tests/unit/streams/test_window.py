"""How much more may come, and when that is told again."""

from collections.abc import Callable

from pygorums.serving.backlog import Backlog
from pygorums.streams.window import WINDOW, Window
from pygorums.wire.framing import Message

MIB = 1 << 20


class Waiting:
    """What waits, as a test says."""

    def __init__(self) -> None:
        self.waiting_bytes = 0
        self.told: list[tuple[int, Callable[[], None]]] = []

    def when_below(self, limit: int, callback: Callable[[], None], /) -> None:
        assert limit < self.waiting_bytes
        self.told.append((limit, callback))

    def drop_to(self, waiting: int) -> None:
        self.waiting_bytes = waiting
        due = [callback for limit, callback in self.told if waiting <= limit]
        self.told = [(limit, callback) for limit, callback in self.told if waiting > limit]
        for callback in due:
            callback()


def test_it_is_told_again_as_the_backlog_halves_and_not_more_often() -> None:
    said: list[int] = []
    window = Window(lambda: said.append(window.credit))
    assert window.credit == WINDOW, "nothing can wait"
    window.waiting = waiting = Waiting()
    waiting.waiting_bytes = WINDOW // 4
    assert window.credit == WINDOW, "little waits"
    waiting.waiting_bytes = WINDOW + MIB
    assert window.credit == 0
    for left in range(WINDOW // MIB, -1, -1):
        waiting.drop_to(left * MIB)
    assert said == [WINDOW - 8 * MIB, WINDOW]
    assert not waiting.told


def test_it_watches_what_waits_now() -> None:
    """The handling of a session that is over does not hold up that of the next."""
    said: list[int] = []
    window = Window(lambda: said.append(window.credit))
    window.waiting = older = Waiting()
    older.waiting_bytes = WINDOW
    assert window.credit == 0
    window.waiting = newer = Waiting()
    newer.waiting_bytes = WINDOW - MIB
    assert window.credit == MIB
    assert len(newer.told) == 1
    older.drop_to(0)
    newer.drop_to(0)
    assert said[-1] == WINDOW


def test_a_real_backlog() -> None:
    said: list[int] = []
    window = Window(lambda: said.append(window.credit))
    window.waiting = backlog = Backlog(1 << 40)
    message = Message(payload=bytes(MIB - 516))  # and four bytes for its tag and length
    for _ in range(20):
        backlog.put([message], MIB - 512)
    assert window.credit == 0
    while backlog.waiting:
        backlog.take()
    assert said == [WINDOW - 10 * MIB, WINDOW - 5 * MIB, WINDOW]
    for _ in range(20):
        backlog.put([message], MIB - 512)
    assert window.credit == 0
    backlog.clear()
    assert said[-1] == WINDOW
