"""A fuzzer for what the ends of sessions say to each other: whatever it is, it counts for something or for nothing.

Values are right ones, most of which were changed somewhere, or said at the wrong time, or by somebody else. The
invariants, whatever comes:

- nothing is raised, and what is read is what it would be written as;
- an end never takes a number for true that its own count contradicts: no more is acknowledged than was written, and
  what is written again is the end of what was written, in order;
- attempts of a session only go up, and somebody else never gets a half that he does not own;
- what is kept stays within its bounds, and what all halves keep is what each of them does;
- there are no more halves without a stream than may be, and the IDs of those that are over are known for long enough
  and do not pile up.

    python -m tests.robustness.fuzz_sessions [VALUES] [SEED]

goes on until so many values were given to the ends. `make test` gives them some. A seed that fails is printed.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

from google.protobuf.message import DecodeError

from pygorums.sessions import acceptor, kept
from pygorums.sessions.acceptor import AcceptorHalf, Halves
from pygorums.sessions.hello import SESSION_KEY, Confirmation, Hello, session_value
from pygorums.sessions.kept import Kept
from pygorums.sessions.opener import OpenerHalf, Verdict
from pygorums.wire.framing import encode_ack, encode_session_end, split
from tests.robustness.changed import NUMBERS, changed

__all__ = ["STEPS", "Talk"]

STEPS = 200
"""Values of one talk."""

BOUND = 400
"""Bytes that a half keeps."""

BOUND_OF_ALL = 1000
"""And all those of an acceptor."""

COUNTED_EVERY = 50
LIMIT = 2
KEEP = 30.0
REMEMBERED = 4


@contextmanager
def _small() -> Iterator[None]:
    """Have all bounds be near."""
    with (
        patch.object(acceptor, "KEPT", BOUND),
        patch.object(acceptor, "KEPT_IN_ALL", BOUND_OF_ALL),
        patch.object(acceptor, "MOST_REMEMBERED", REMEMBERED),
        patch.object(kept, "COUNTED_EVERY", COUNTED_EVERY),
    ):
        yield


class Talk:
    """Openers and an acceptor, and somebody between them who says what he likes.

    Attributes:
        values: How many values were given to the ends.
    """

    def __init__(self, seed: int) -> None:
        self._chance = chance = random.Random(seed)
        with _small():
            self._halves: Halves[int] = Halves(LIMIT, KEEP, self._new_id)
        self._openers: list[OpenerHalf[int]] = [OpenerHalf(BOUND, self._new_id) for _ in range(3)]
        self._theirs: list[AcceptorHalf[int]] = []
        self._highest: dict[tuple[str, str], int] = {}
        self._over: dict[tuple[str, str], float] = {}  # the sessions that were given up, in order
        self._said = [f"1 {self._new_id()} 1 - 0", f"1 {self._new_id()} 0"]  # all hellos and confirmations
        self._serial = 0
        self._now = 0.0
        self.values = 0
        self._steps: list[Callable[[], None]] = [self._meet] * 3 + [self._hello, self._confirmation] * 3
        self._steps += [self._ack] * 4 + [self._write] * 4 + [self._detach, self._pass_time, self._end]
        chance.shuffle(self._steps)

    def run(self) -> None:
        """Give them `STEPS` values, and look at them after each."""
        with _small():
            while self.values < STEPS:
                self._chance.choice(self._steps)()
            self._look()

    def _new_id(self) -> str:
        return f"{self._chance.getrandbits(128):032x}"

    def _all(self) -> list[OpenerHalf[int] | AcceptorHalf[int]]:
        return [*self._openers, *self._theirs]

    # What is said

    def _credit(self) -> int | None:
        return self._chance.choice((None, 0, 1, 16 << 20, (1 << 64) - 1))

    def _changed(self, value: str) -> str:
        return changed(self._chance, value, self._said)

    def _remember(self, said: Hello | Confirmation) -> str:
        if len(self._said) < 20:
            self._said.append(str(said))
        else:
            self._said[self._chance.randrange(20)] = str(said)
        return str(said)

    def _read_hello(self, text: str) -> Hello | None:
        self.values += 1
        hello = Hello.parse(session_value([("other", "1"), (SESSION_KEY, text)]))
        if hello is not None:
            _is_as_written(text, [hello.session, hello.attempt, hello.token or "-", hello.received], hello.credit)
            assert Hello.parse(str(hello)) == hello
        return hello

    def _read_confirmation(self, text: str) -> Confirmation | None:
        self.values += 1
        confirmation = Confirmation.parse(session_value([(SESSION_KEY, text)]))
        if confirmation is not None:
            _is_as_written(text, [confirmation.token, confirmation.taken], confirmation.credit)
            assert Confirmation.parse(str(confirmation)) == confirmation
        return confirmation

    # What is done with it

    def _greet(self, hello: Hello, who: str) -> AcceptorHalf[int] | None:
        key = (hello.session, who)
        owners = {half: list(half.kept.owners) for half in self._theirs}
        known = self._highest.get(key)
        greeting = self._halves.greet(hello, who, self._now)
        half = greeting.half
        if half is None:
            assert known is not None
            assert hello.attempt <= known
            return None
        if known is not None and hello.attempt <= known:
            assert half not in owners, "an attempt that came before"
            assert self._may_be_forgotten(key), "an attempt of a session that was over"
        assert half.key == key
        assert half.attached
        self._highest[key] = half.highest
        if greeting.again is not None:
            _, again = greeting.again
            before = owners[half]
            assert again == before[len(before) - len(again) :], "not the end of what was written"
            for owner in again:
                half.kept.wrote([_frame(owner)], [owner], len(_frame(owner)))
        else:
            assert half not in owners
            assert (half.taken, half.kept.written) == (0, 0)
            self._theirs.append(half)
        if greeting.given_up is not None:
            assert greeting.given_up.key == key
            self._gone(greeting.given_up)
        return half

    def _judge(self, opener: OpenerHalf[int], answer: Confirmation | None) -> None:
        before, known, written = list(opener.kept.owners), opener.known, opener.kept.written
        verdict, frames, owners = opener.judge(answer)
        assert len(frames) == len(owners)
        assert owners == before[len(before) - len(owners) :], "not the end of what was written"
        if verdict is Verdict.RESUMED:
            assert answer is not None
            assert answer.taken <= written
            assert len(owners) == written - answer.taken
            for owner in owners:
                opener.kept.wrote([_frame(owner)], [owner], len(_frame(owner)))
            assert opener.kept.written == written
        else:
            assert known == (verdict is Verdict.LOST)
            assert (opener.taken, opener.kept.written) == (0, 0)
        assert opener.active == (opener.known and answer is not None)

    def _meet(self) -> None:
        """An opener connects; what both say arrives as it was, or nearly."""
        chance = self._chance
        opener = chance.choice(self._openers)
        before = opener.taken
        said = opener.hello(self._credit())
        assert (said.received, opener.active) == (before, False)
        hello = self._read_hello(self._changed(self._remember(said)))
        half = None if hello is None else self._greet(hello, chance.choice(("me", "me", "me", "you")))
        if half is None:
            if chance.random() < 0.3:
                self._judge(opener, None)
            return
        self._judge(opener, self._read_confirmation(self._changed(self._remember(half.confirmation(self._credit())))))

    def _hello(self) -> None:
        """Somebody says a hello that was heard before, or nearly."""
        hello = self._read_hello(self._changed(self._chance.choice(self._said)))
        if hello is not None:
            self._greet(hello, self._chance.choice(("me", "you")))

    def _confirmation(self) -> None:
        """The answer to an opener is one that somebody else got, or nearly."""
        opener = self._chance.choice(self._openers)
        self._remember(opener.hello(self._credit()))
        self._judge(opener, self._read_confirmation(self._changed(self._chance.choice(self._said))))

    def _ack(self) -> None:
        """Somebody says how much he has taken, or that the session ends."""
        chance = self._chance
        of: Kept[int] = chance.choice(self._all()).kept
        number = chance.choice((of.written, of.acknowledged, chance.randrange(20), chance.choice(NUMBERS)))
        ends = chance.random() < 0.2
        number &= (1 << 64) - 1
        data = bytearray(encode_session_end(number) if ends else encode_ack(number, self._credit()))
        if chance.random() < 0.3:
            data[chance.randrange(len(data))] = chance.randrange(256)
        self.values += 1
        try:
            sign = split(bytes(data), batching=True)[0]
        except DecodeError:
            return
        owners, written, acknowledged = list(of.owners), of.written, of.acknowledged
        if sign.HasField("session_end"):
            again = of.resume(sign.session_end)
            if again is not None:
                assert acknowledged <= sign.session_end <= written
                assert again[1] == owners[len(owners) - (written - sign.session_end) :]
                of.restart()
        else:
            assert of.acknowledge(sign.ack) == (sign.ack <= written)
            assert of.acknowledged == (max(acknowledged, sign.ack) if sign.ack <= written else acknowledged)
            assert of.written == written

    def _write(self) -> None:
        """A half writes some, and takes some."""
        chance = self._chance
        halves = [half for half in self._all() if not isinstance(half, OpenerHalf) or half.active]
        if not halves:
            return
        self.values += 1
        half = chance.choice(halves)
        half.taken += chance.randrange(3)
        numbers = range(self._serial, self._serial + chance.randrange(1, 4))
        self._serial = numbers.stop
        frames = [_frame(number) for number in numbers]
        if frames:
            half.kept.wrote(frames, numbers, sum(map(len, frames)))

    def _detach(self) -> None:
        if attached := [half for half in self._theirs if half.attached]:
            self.values += 1
            surplus = self._halves.detach(self._chance.choice(attached), self._now)
            if surplus is not None:
                self._give_up(surplus)
            self._look()

    def _pass_time(self) -> None:
        self.values += 1
        self._now += self._chance.choice((0.1, 10.0, 400.0))
        while (half := self._halves.due(self._now)) is not None:
            self._give_up(half)
        assert self._halves.due_at is None or self._halves.due_at > self._now - KEEP

    def _end(self) -> None:
        self.values += 1
        if self._theirs and self._chance.random() < 0.5:
            self._give_up(self._chance.choice(self._theirs))
        else:
            self._chance.choice(self._openers).end()

    def _give_up(self, half: AcceptorHalf[int]) -> None:
        self._halves.give_up(half, self._now)
        self._gone(half)

    def _gone(self, half: AcceptorHalf[int]) -> None:
        self._theirs.remove(half)
        assert isinstance(half.key, tuple)
        self._over.pop(half.key, None)
        self._over[half.key] = self._now
        assert (half.attached, half.kept.size) == (False, 0)

    def _may_be_forgotten(self, key: tuple[str, str]) -> bool:
        """Whether a session that is over is over for long, or many others are since."""
        over_at = self._over.get(key)
        recent = list(self._over)[-REMEMBERED:]
        return over_at is None or key not in recent or self._now - over_at >= acceptor.REMEMBERED_FOR

    def _look(self) -> None:
        """What has to hold at any time."""
        halves = self._halves
        assert len(halves) == len(self._theirs)
        assert len(halves._detached) <= LIMIT
        assert len(halves._past) <= REMEMBERED
        sizes = [half.kept.size for half in self._theirs]
        assert max([*sizes, *(opener.kept.size for opener in self._openers)]) <= BOUND
        noted = halves._budget.size
        assert noted <= BOUND_OF_ALL
        assert noted <= sum(sizes) <= noted + COUNTED_EVERY * len(sizes)
        for half in self._all():
            mine = half.kept
            # Of what was written together, and was taken in part, the bytes are a guess.
            assert mine.size == sum(size for _, _, size in mine._writes)
            later = [len(frame) for frames, _, _ in mine._writes[1:] for frame in frames]
            assert sum(later) <= mine.size <= sum(later) + sum(map(len, mine._writes[0][0] if mine._writes else ()))
            assert mine.acknowledged <= mine.written
            assert mine.resumable == (mine.acknowledged + len(mine.owners) >= mine.written)


def _frame(number: int) -> bytes:
    """What a half writes, of a length of its own."""
    return bytes((0, 1, 30, 150, 3, 500)[number % 6])


def _is_as_written(text: str, parts: list[str | int], credit: int | None) -> None:
    """Each part is there, in its place, though numbers may begin with zeros."""
    read = text.split(" ", len(parts) + 2)
    assert read[0] == "1"
    assert all(isinstance(part, str) or part < 1 << 64 for part in parts)
    parts = parts if credit is None else [*parts, credit]
    assert [word if isinstance(part, str) else int(word) for word, part in zip(read[1:], parts, strict=False)] == parts


def main(values: int, seed: int) -> int:
    """Give so many values; 1 if something does not hold."""
    began, done, first = time.monotonic(), 0, seed
    while done < values:
        talk = Talk(seed)
        try:
            talk.run()
        except BaseException:
            print(f"seed {seed}", file=sys.stderr)
            raise
        done += talk.values
        seed += 1
    print(f"{done:,} values, seeds {first} to {seed - 1}, {done / (time.monotonic() - began):,.0f} a second")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3]), *(10_000_000, 0)[len(sys.argv) - 1 :]))
