"""What sessions promise holds whatever breaks when, and would not without any of these rules."""

from unittest.mock import patch

import pytest

from pygorums.sessions.acceptor import AcceptorHalf, Greeting, Halves
from pygorums.sessions.hello import Hello
from pygorums.sessions.kept import Kept
from tests.unit.sessions.schedules.client import Client
from tests.unit.sessions.schedules.ends import End, Item
from tests.unit.sessions.schedules.explore import FAULT_SETS
from tests.unit.sessions.schedules.network import Conn
from tests.unit.sessions.schedules.process import Process
from tests.unit.sessions.schedules.promise import broken_promises
from tests.unit.sessions.schedules.world import World

SEEDS = 2000 // len(FAULT_SETS)


@pytest.mark.parametrize("faults", FAULT_SETS, ids=lambda faults: "+".join(faults) or "breaks only")
def test_every_message_is_handled_once_and_in_order_or_its_caller_is_told(faults: tuple[str, ...]) -> None:
    for seed in range(SEEDS):
        world = World(seed, faults)
        world.run()
        assert not (broken := broken_promises(world)), (seed, broken, world.trace)


class WritesBeforeItIsConfirmed(Client):
    def establish(self) -> None:
        super().establish()
        self.end.ready = self.end.conn is not None


class TakesFromTheOlderConnection(Client):
    """Says what it has taken when it begins to connect, and goes on taking."""

    said: Hello

    def connect(self, *, anew: bool = False) -> None:
        before = self.next
        super().connect(anew=anew)
        if self.next is not before:
            self.said = self.opener.hello()

    def establish(self) -> None:
        with patch.object(self.opener, "hello", lambda: self.said):
            super().establish()


class NeverLosesASession(Client):
    """Takes another half for the one that it knew."""

    token = ""

    def confirmed(self, answer: str) -> None:
        version, token, taken = answer.split()
        self.token = self.token or token
        super().confirmed(f"{version} {self.token} {taken}")


class TakesWhatComesLate(Process):
    def attached(self, conn: Conn) -> End | None:
        end: End | None = conn.end
        return end

    def take_over(self, conn: Conn) -> None:
        """The older one goes on."""


class TakesLateHellos(Process):
    def judge(self, conn: Conn) -> None:
        for half in self.ends:
            half.highest = 0
        super().judge(conn)


class AsksForNoToken(Process):
    def judge(self, conn: Conn) -> None:
        def resume(half: AcceptorHalf[Item], hello: Hello) -> tuple[list[bytes], list[Item]] | None:
            return half.kept.resume(min(hello.received, half.kept.written))

        with patch.object(AcceptorHalf, "resume", resume):
            super().judge(conn)


class ForgetsWhatIsKept(Process):
    """Resumes a half although something was dropped."""

    def judge(self, conn: Conn) -> None:
        with patch.object(Kept, "resumable", True):
            super().judge(conn)

    def detached(self, conn: Conn) -> None:
        with patch.object(Kept, "resumable", True):
            super().detached(conn)


class WritesNothingAgain(Process):
    def judge(self, conn: Conn) -> None:
        greet = self.sessions.greet

        def greet_only(hello: Hello, identity: str, now: float) -> Greeting[Item]:
            greeting = greet(hello, identity, now)
            return Greeting(greeting.half, None, greeting.given_up)

        with patch.object(self.sessions, "greet", greet_only):
            super().judge(conn)


@pytest.mark.parametrize(
    ("faults", "client", "process"),
    [
        (("abandon",), WritesBeforeItIsConfirmed, Process),
        (("leave",), TakesFromTheOlderConnection, Process),
        (("replace",), NeverLosesASession, Process),
        ((), Client, TakesWhatComesLate),
        ((), Client, TakesLateHellos),
        (("elsewhere",), Client, AsksForNoToken),
        (("bound",), Client, ForgetsWhatIsKept),
        ((), Client, WritesNothingAgain),
    ],
)
def test_no_rule_can_be_left_out(faults: tuple[str, ...], client: type[Client], process: type[Process]) -> None:
    for seed in range(1000):
        world = World(seed, faults, client, process)
        world.run()
        if broken_promises(world):
            return
    pytest.fail("nothing is wrong without it")


def test_the_sessions_that_are_over_leave_nothing_behind() -> None:
    world = World(1, ("close",))
    world.run()
    world.client.close()
    for _ in range(10):
        world.now += 100.0
        world.pass_time()
        world.arrive()
    assert all(len(process.sessions) == 0 for process in world.processes)
    assert isinstance(world.processes[0].sessions, Halves)
