"""Both halves of a session, when their streams break at all the places that matter."""

from itertools import count

from pygorums.sessions.acceptor import AcceptorHalf, Halves
from pygorums.sessions.hello import Confirmation, Hello
from pygorums.sessions.opener import OpenerHalf, Verdict

ME = "certificate"


class Ids:
    def __init__(self, first: int) -> None:
        self._numbers = count(first)

    def __call__(self) -> str:
        return f"{next(self._numbers):032x}"


def opener() -> OpenerHalf[str]:
    return OpenerHalf(1000, Ids(1))


def acceptor(limit: int = 10, keep: float = 30.0, first: int = 1 << 64) -> Halves[str]:
    return Halves(limit, keep, Ids(first))


def met(half: OpenerHalf[str], halves: Halves[str], now: float = 0.0) -> tuple[Verdict, list[str], AcceptorHalf[str]]:
    """A stream is opened and confirmed: what it means for the opener, what it has to write again."""
    greeting = halves.greet(half.hello(), ME, now)
    assert greeting.half is not None
    verdict, _, owners = half.judge(greeting.half.confirmation())
    return verdict, owners, greeting.half


def wrote(half: OpenerHalf[str] | AcceptorHalf[str], *owners: str) -> None:
    half.kept.wrote([owner.encode() for owner in owners], owners, sum(map(len, owners)))


def test_what_was_not_taken_is_written_again() -> None:
    half, halves = opener(), acceptor()
    verdict, owners, theirs = met(half, halves)
    assert (verdict, owners, half.active, half.known) == (Verdict.BEGUN, [], True, True)
    wrote(half, "a", "b", "c")
    theirs.taken = 1
    wrote(theirs, "A", "B")
    half.taken = 1
    halves.detach(theirs, 1.0)
    greeting = halves.greet(half.hello(), ME, 2.0)
    assert greeting.half is theirs
    assert greeting.again == ([b"B"], ["B"])
    assert half.judge(theirs.confirmation()) == (Verdict.RESUMED, [b"b", b"c"], ["b", "c"])


def test_a_confirmation_that_does_not_arrive_changes_nothing() -> None:
    half, halves = opener(), acceptor()
    halves.greet(half.hello(), ME, 0.0)
    verdict, owners, theirs = met(half, halves)
    assert (verdict, owners) == (Verdict.BEGUN, [])
    wrote(half, "a")
    halves.greet(half.hello(), ME, 0.0)
    assert met(half, halves) == (Verdict.RESUMED, ["a"], theirs)


def test_another_process_is_known_by_its_token() -> None:
    half = opener()
    met(half, acceptor())
    wrote(half, "a", "b")
    half.kept.acknowledge(1)
    verdict, owners, theirs = met(half, acceptor(first=1 << 100))
    assert (verdict, owners, theirs.taken, half.taken) == (Verdict.LOST, ["b"], 0, 0)
    assert half.kept.written == 0


def test_who_was_elsewhere_meanwhile_begins_anew() -> None:
    half, here, there = opener(), acceptor(), acceptor(first=1 << 100)
    _, _, first = met(half, here)
    wrote(half, "a")
    first.taken = 1
    met(half, there)
    greeting = here.greet(half.hello(), ME, 0.0)
    assert greeting.given_up is first
    assert greeting.half is not None
    assert half.judge(greeting.half.confirmation())[0] is Verdict.LOST
    assert (greeting.half.taken, half.kept.written) == (0, 0)


def test_a_half_that_was_made_anew_and_never_confirmed_is_used() -> None:
    half, halves = opener(), acceptor()
    _, _, first = met(half, halves)
    wrote(half, "a")
    halves.give_up(first, 1.0)
    halves.greet(half.hello(), ME, 2.0)  # the answer is lost
    assert met(half, halves)[:2] == (Verdict.LOST, ["a"])
    wrote(half, "b")
    assert met(half, halves)[:2] == (Verdict.RESUMED, ["b"])


def test_late_hellos_are_refused() -> None:
    half, halves = opener(), acceptor()
    first, second = half.hello(), half.hello()
    _, _, theirs = met(half, halves)
    assert halves.greet(first, ME, 0.0).half is None
    assert halves.greet(second, ME, 0.0).half is None
    halves.give_up(theirs, 1.0)
    assert halves.greet(second, ME, 100.0).half is None
    assert halves.greet(half.hello(), ME, 100.0).half is not None


def test_somebody_else_finds_nothing() -> None:
    half, halves = opener(), acceptor()
    _, _, theirs = met(half, halves)
    stranger = halves.greet(half.hello(), "another certificate", 0.0)
    assert stranger.half is not theirs
    assert stranger.given_up is None
    assert met(half, halves)[0] is Verdict.RESUMED


def test_a_peer_without_sessions() -> None:
    half = opener()
    half.hello()
    assert half.judge(None) == (Verdict.NONE, [], [])
    assert not half.active
    met(half, acceptor())
    wrote(half, "a")
    half.hello()
    assert half.judge(None) == (Verdict.LOST, [b"a"], ["a"])
    assert not half.known


def test_counts_that_cannot_be_end_the_session() -> None:
    half, halves = opener(), acceptor()
    _, _, theirs = met(half, halves)
    wrote(half, "a")
    for taken in (2, 1 << 63):
        hello = half.hello()
        assert half.judge(Confirmation(theirs.token, taken))[0] is Verdict.LOST
        assert (half.known, half.active) == (False, False)
        assert hello.token == theirs.token
        half = opener()
        _, _, theirs = met(half, halves := acceptor())
        wrote(half, "a")
    greeting = halves.greet(Hello(half.hello().session, 9, theirs.token, 5), ME, 0.0)
    assert greeting.given_up is theirs


def test_what_was_dropped_cannot_be_written_again() -> None:
    half, halves = opener(), acceptor()
    _, _, theirs = met(half, halves)
    wrote(half, "a" * 600, "b" * 600)
    assert met(half, halves)[0] is Verdict.LOST
    assert not half.known
    half, halves = opener(), acceptor()
    _, _, theirs = met(half, halves)
    theirs.kept.wrote([bytes(65 << 20)], ["x"], 65 << 20)
    assert halves.detach(theirs, 0.0) is theirs


def test_an_ended_session_is_followed_by_another() -> None:
    half, halves = opener(), acceptor()
    met(half, halves)
    wrote(half, "a")
    session = half.hello().session
    assert half.end() == ([b"a"], ["a"])
    hello = half.hello()
    assert (hello.token, hello.attempt, hello.received) == (None, 1, 0)
    assert hello.session != session


def test_too_many_and_too_long_without_a_stream() -> None:
    ids = Ids(1)
    halves = acceptor(limit=2, keep=30.0)
    openers: list[OpenerHalf[str]] = [OpenerHalf(1000, ids) for _ in range(3)]
    theirs = [met(half, halves)[2] for half in openers]
    assert halves.detach(theirs[1], 1.0) is None
    assert halves.detach(theirs[0], 2.0) is None
    assert halves.detach(theirs[2], 3.0) is theirs[1]
    halves.give_up(theirs[1], 3.0)
    assert halves.due(31.9) is None
    assert halves.due(32.0) is theirs[0]
    assert met(openers[0], halves, 32.0)[0] is Verdict.RESUMED
    assert halves.due(32.9) is None
    assert len(halves) == 2
