"""The opener: its connections one after the other, and what it makes of what it hears."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pygorums.sessions.hello import Confirmation
from pygorums.sessions.opener import OpenerHalf, Verdict
from tests.unit.sessions.schedules.ends import Call, Item
from tests.unit.sessions.schedules.network import Conn

if TYPE_CHECKING:
    from tests.unit.sessions.schedules.world import World

__all__ = ["Client"]


class Client:
    """Keeps a connection, calls over it, and is called back."""

    def __init__(self, world: World, opener: OpenerHalf[Item]) -> None:
        self._world = world
        self.opener = opener
        self.end = world.new_end(opener, up=True)
        self.next: Conn | None = None  # that is being connected
        self.leaving = False  # the acceptor has ended the session, and answers what it has taken
        self.closed = False
        self.down = False

    def call(self, call: Call) -> None:
        """Begin a call."""
        if self.down:
            call.settle("down")
        else:
            self.end.call(call)

    def connect(self, *, anew: bool = False) -> None:
        """Begin to connect, if there is no connection, or if it is left for another one."""
        wanted = self.end.ready if anew else self.end.conn is None
        if wanted and self.next is None and not self.leaving and not self.closed:
            self.next = self._world.new_conn()

    def establish(self) -> None:
        """The connection stands, and the hello is written. What comes over an older one does not count from now on."""
        conn, self.next = self.next, None
        if conn is None or not conn.acceptor_open or self.leaving:
            return
        self.down = False
        end = self.end
        if end.conn is not None:
            self.forsake(end.conn)
        hello = self.opener.hello()
        conn.begun = True
        conn.up.append(("hello", str(hello)))
        self._world.note("says", hello)
        end.conn, end.ready = conn, False

    def forsake(self, conn: Conn) -> None:
        """Give a connection up, of which the other end may hear late or never."""
        conn.opener_open = False
        if self._world.chance.random() < 0.3:
            conn.up.clear()

    def broken(self) -> None:
        """The connection is lost."""
        conn = self.end.conn
        if conn is None:
            return
        self._world.note("its connection breaks")
        self.forsake(conn)
        if self.leaving:
            self.over()
            return
        self.end.conn, self.end.ready = None, False

    def lose(self, kept: list[Item]) -> None:
        """What was written in the session that is lost is settled."""
        self._world.note("session lost")
        if not self._world.losses:
            self._world.wrong.append("a session is lost, though nothing has happened")
        self.end.lose(kept)

    def fail_to_connect(self) -> None:
        """An attempt to connect fails: the node is down."""
        if self.end.conn is None and not self.closed:
            self._world.note("down")
            self._world.losses.add("down")
            self.next, self.down = None, True
            self.end.fail()

    def close(self) -> None:
        """End the session, and all calls."""
        if self.closed:
            return
        end = self.end
        if end.conn is not None:
            if end.ready and not end.ended:
                end.conn.up.append(("end", self.opener.taken))
            end.conn.opener_open = False
        for call in end.unsettled():
            call.settle("closed" if call.written else "down")
        end.queue.clear()
        end.forget_work()
        end.conn = self.next = None
        self.closed, self.leaving = True, False

    def come_back(self) -> None:
        """Read what comes next over the connection that counts."""
        conn = self.end.conn
        if conn is None or not conn.down:
            return
        what = conn.down.popleft()
        if isinstance(what, Item):
            self.end.take(what)
        elif what[0] == "confirm":
            self.confirmed(what[1])
        elif what[0] == "ack":
            if not self.opener.kept.acknowledge(what[1]):
                self._world.wrong.append(f"the acceptor takes more than was written: {what[1]}")
        elif what[0] == "end":
            self.ended(what[1])
        elif what[0] == "over":
            self.over()

    def confirmed(self, answer: str) -> None:
        """The acceptor has answered the hello."""
        end, world = self.end, self._world
        world.note("hears", answer)
        verdict, _, items = self.opener.judge(Confirmation.parse(answer))
        if verdict is Verdict.LOST:
            if not self.opener.active:
                world.losses.add("bound")
                assert end.conn is not None
                self.forsake(end.conn)
                end.conn = None
            self.lose(items)
            items = []
        end.ready = self.opener.active
        end.resume(items)

    def ended(self, taken: int) -> None:
        """The acceptor takes no more requests than these. The rest waits until those are answered, for order's sake."""
        self._world.note("session ends at", taken)
        again = self.opener.kept.resume(taken)
        if again is None:
            self._world.losses.add("bound")
            again = [], []
        self.end.resume([item for item in again[1] if item.request])
        self.end.ended = self.leaving = True
        self.next = None

    def over(self) -> None:
        """The stream of a session that was ended is over: what is not answered yet will not be."""
        end = self.end
        if end.conn is not None:
            end.conn.opener_open = False
        end.conn, end.ready, end.ended, self.leaving = None, False, False, False
        self.lose([])
        end.queue = [item for item in end.queue if item.request]
        self.opener.end()
