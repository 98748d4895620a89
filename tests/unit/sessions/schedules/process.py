"""A server's process: its sessions, and what it does in each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pygorums.sessions.acceptor import AcceptorHalf, Halves
from pygorums.sessions.hello import Hello
from tests.unit.sessions.schedules.ends import End, Item
from tests.unit.sessions.schedules.network import Conn

if TYPE_CHECKING:
    from tests.unit.sessions.schedules.world import World

__all__ = ["LINGER", "Process"]

LINGER = 1.0
"""Seconds after a break for which calls back wait for the next stream."""


class Process:
    """Takes hellos, handles what comes, and calls back."""

    def __init__(self, world: World, sessions: Halves[Item]) -> None:
        self._world = world
        self.sessions = sessions
        self.ends: dict[AcceptorHalf[Item], End] = {}  # by half
        self.judged: list[Conn] = []  # have said hello, and wait to be let in
        self.stopping = False

    def listed(self, end: End) -> bool:
        """Whether handlers see the client of an end."""
        half = end.counted
        return not end.ended and (half.attached or self._world.now - half.detached_at < LINGER)

    def accept(self, conn: Conn) -> None:
        """Read the hello of a connection."""
        conn.hello = conn.up.popleft()
        if self.stopping:
            conn.acceptor_open = False
        else:
            self.judged.append(conn)

    def judge(self, conn: Conn) -> None:
        """Let a connection in, or not."""
        world = self._world
        self.judged.remove(conn)
        hello = Hello.parse(conn.hello[1])
        assert hello is not None
        greeting = self.sessions.greet(hello, "anybody", world.now)
        half = greeting.half
        if half is None:
            world.note("refused", hello)
            conn.acceptor_open = False
            return
        if greeting.given_up is not None:
            if "bound" in world.faults:
                world.losses.add("bound")
            self.give_up(greeting.given_up)
        end = self.ends.get(half)
        if end is None:
            end = self.ends[half] = world.new_end(half, up=False)
        if end.conn is not None:
            self.take_over(end.conn)
        again = () if greeting.again is None else greeting.again[1]
        world.note("attached", hello, "which has taken", half.taken, "and gets", len(again))
        conn.end = end
        end.conn, end.ready = conn, True
        end.resume(again)
        conn.down.append(("confirm", str(half.confirmation())))

    def take_over(self, conn: Conn) -> None:
        """Another connection is attached in its place."""
        conn.acceptor_open = False

    def attached(self, conn: Conn) -> End | None:
        """Whose connection it is, if it still counts."""
        end: End | None = conn.end
        return end if end is not None and end.conn is conn else None

    def arrive(self, conn: Conn) -> None:
        """Read what comes next over a connection."""
        what = conn.up.popleft()
        end = self.attached(conn)
        if end is None:
            return
        half = end.counted
        if isinstance(what, Item):
            if not (end.ended and what.request):
                end.take(what)
        elif what[0] == "ack":
            if not end.ended and not half.kept.acknowledge(what[1]):
                self._world.wrong.append(f"the opener takes more than was written: {what[1]}")
        elif what[0] == "end":
            again = half.kept.resume(what[1])
            for item in () if again is None else again[1]:
                item.call.written = False
            self.end(half)
            end.fail()

    def detached(self, conn: Conn) -> None:
        """A connection is gone."""
        conn.acceptor_open = False
        if conn in self.judged:
            self.judged.remove(conn)
        end = self.attached(conn)
        if end is None:
            return
        end.conn, end.ready = None, False
        if end.ended:
            end.fail()  # and what was taken is handled
        elif (half := self.sessions.detach(end.counted, self._world.now)) is not None:
            self._world.losses.add("bound")
            self.give_up(half)

    def end(self, half: AcceptorHalf[Item]) -> None:
        """A session is over, and what was taken in it is handled."""
        self.ends[half].ended = True
        self.sessions.give_up(half, self._world.now)

    def give_up(self, half: AcceptorHalf[Item]) -> None:
        """A session is given up: its handlers are cancelled, its calls back end."""
        self._world.note("given up")
        self.sessions.give_up(half, self._world.now)
        end = self.ends.pop(half)
        if end.conn is not None:
            end.conn.acceptor_open = False
            end.conn, end.ready = None, False
        end.ended = True
        end.forget_work()
        end.fail()

    def stop(self) -> None:
        """End the sessions in peace: no more requests are taken, and what was taken is answered."""
        self.stopping = True
        for conn in list(self.judged):
            self.detached(conn)
        for half, end in list(self.ends.items()):
            if end.ended:
                continue
            if end.conn is None:
                self.give_up(half)
            else:
                end.conn.down.append(("end", half.taken))
                self.end(half)

    def wind_up(self) -> bool:
        """Say that everything is answered where it is; whether that holds for all."""
        for end in self.ends.values():
            if end.conn is not None and end.idle and not end.conn.closing:
                end.conn.closing = True
                end.conn.down.append(("over",))
        return all(end.idle or end.conn is None for end in self.ends.values())

    def pass_time(self) -> None:
        """Give up what has waited for too long."""
        world = self._world
        while (half := self.sessions.due(world.now)) is not None:
            world.losses.add("expired")
            self.give_up(half)
        for end in self.ends.values():
            if end.conn is None and not end.ended and not self.listed(end) and any(end.unsettled()):
                world.losses.add("linger")
                end.fail()

    def kill(self) -> None:
        """It is no more, and neither are its callers."""
        for end in self.ends.values():
            for call in end.unsettled():
                call.gave_up = True
