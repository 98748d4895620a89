"""One opener, some processes behind its address, and a schedule that a seed draws: what happens next, and goes wrong.

A connection may break at either end, in either order, anywhere between two messages; what was sent over one that its
opener has given up may still arrive, and later than what was sent over the next. Processes are replaced, or the address
leads to another one that has been there all the time. Sessions are given up, callers give up, time passes. In the end
all is well for a while, and then everything has to have come to an end.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from pygorums.sessions.acceptor import KEPT, Halves
from pygorums.sessions.opener import OpenerHalf
from tests.unit.sessions.schedules.client import Client
from tests.unit.sessions.schedules.ends import Call, End, Item
from tests.unit.sessions.schedules.network import Conn
from tests.unit.sessions.schedules.process import Process

__all__ = ["FAULTS", "World"]

FAULTS = ("abandon", "replace", "elsewhere", "time", "evict", "down", "bound", "leave", "stop", "close")
"""What may go wrong besides connections that break."""

CALM = 1000
"""Rounds of everything, at the most, until all has come to an end."""


class World:
    """Everything, one step at a time."""

    def __init__(
        self,
        seed: int,
        faults: tuple[str, ...] = (),
        client: type[Client] = Client,
        process: type[Process] = Process,
    ) -> None:
        self.chance = random.Random(seed)
        self.faults = faults
        self._process = process
        self.now = 0.0
        # So that what is kept comes to its limit, or stays far from it.
        self.unit = KEPT // self.chance.choice((4, 12)) if "bound" in faults else 1
        self.calls: list[Call] = []
        self.conns: list[Conn] = []
        self.every_end: list[End] = []
        self.losses: set[str] = set()
        self.wrong: list[str] = []
        self.trace: list[str] = []
        self.calm = False
        self.processes = [self.start() for _ in range(2 if "elsewhere" in faults else 1)]
        self.here = self.processes[0]
        self.client = client(self, OpenerHalf(KEPT * 8, self.new_id))

    def new_id(self) -> str:
        """A random ID."""
        return f"{self.chance.getrandbits(128):032x}"

    def note(self, *words: object) -> None:
        """Add to what a failure shows."""
        self.trace.append(f"{self.now:>7.2f} " + " ".join(map(str, words)))

    def start(self) -> Process:
        """A process begins."""
        return self._process(self, Halves(1000, 30.0, self.new_id))

    def new_end(self, counted: Any, *, up: bool) -> End:
        """An end that knows of nothing."""
        end = End(len(self.every_end), up, counted, self.unit)
        self.every_end.append(end)
        return end

    def new_conn(self) -> Conn:
        """A connection to wherever the address leads."""
        conn = Conn(self.here)
        self.conns.append(conn)
        return conn

    # What a schedule is made of

    def _steps(self) -> list[tuple[Callable[[], object], float]]:
        client = self.client
        steps: list[tuple[Callable[[], object], float]] = [
            (self.issue, 6), (self.issue_back, 3), (client.connect, 5), (client.establish, 6), (self.accept, 6),
            (self.judge, 6), (client.end.write, 9), (self.write_back, 9), (self.arrive, 14), (client.come_back, 12),
            (self.handle, 14), (self.release, 2), (self.progress, 2), (self.ack, 2), (self.pass_time, 3),
            (client.broken, 1), (self.break_at_acceptor, 0.7), (self.cut, 0.7),
        ]  # fmt: skip
        more: dict[str, tuple[Callable[[], object], float]] = {
            "abandon": (self.abandon, 0.8),
            "replace": (self.replace, 0.3),
            "elsewhere": (self.go_elsewhere, 0.4),
            "time": (self.pass_much_time, 0.3),
            "evict": (self.evict, 0.3),
            "down": (client.fail_to_connect, 0.4),
            "leave": (self.leave, 0.5),
            "stop": (self.stop, 0.15),
            "close": (self.close, 0.03),
        }
        return steps + [more[fault] for fault in self.faults if fault in more]

    def run(self) -> None:
        """Draw a schedule, and then have all be well until everything has come to an end."""
        steps, weights = zip(*self._steps(), strict=True)
        for step in self.chance.choices(steps, weights, k=self.chance.choice((40, 120, 300))):
            step()
        self.note("calm")
        self.calm = True
        for _ in range(CALM):
            self._calm_round()
            if self.settled():
                break
        else:
            self.wrong.append("it does not come to an end")

    def _calm_round(self) -> None:
        client = self.client
        for _ in range(3):
            client.connect()
            client.establish()
            self.accept()
            self.judge()
            client.end.write()
            for process in self.processes:
                for end in process.ends.values():
                    end.write()
            self.arrive()
            client.come_back()
            self.handle()
        self.ack()
        for conn in self.conns:
            if conn.acceptor_open and not conn.opener_open and not conn.up:
                conn.process.detached(conn)
        conn_of_client = client.end.conn
        if conn_of_client is not None and not conn_of_client.acceptor_open and not conn_of_client.down:
            client.broken()
        self._wind_up()
        self.pass_time()

    def settled(self) -> bool:
        """Whether nothing is to be done any more."""
        if not (self.client.closed or self.client.end.ready):
            return False
        ends = [self.client.end, *(end for process in self.processes for end in process.ends.values())]
        if any(end.waiting or end.running or any(end.unsettled()) for end in ends):
            return False
        if any(end.queue and (end.conn or not end.ended) for end in ends):
            return False
        if any(end.conn and end.counted.kept.size for end in ends):
            return False
        return not any(isinstance(what, Item) for conn in self.conns if conn.acceptor_open for what in conn.up)

    # Callers

    def _call(self, *, up: bool) -> Call:
        chance = self.chance
        kind = chance.choices(("rpc", "oneway", "streaming"), (5, 3, 2))[0]
        size = chance.choices((1, 5, 20, 50), (6, 4, 1, 0.3))[0]
        idempotent = up and kind != "streaming" and chance.random() < 0.2
        call = Call(len(self.calls), up, kind, idempotent, size)
        self.calls.append(call)
        self.note("call" if up else "call back", call.number, kind)
        return call

    def issue(self) -> None:
        """The opener calls."""
        if not self.client.closed:
            self.client.call(self._call(up=True))

    def issue_back(self) -> None:
        """A process calls an opener that it knows."""
        ends = [end for process in self.processes for end in process.ends.values() if process.listed(end)]
        if ends:
            self.chance.choice(ends).call(self._call(up=False))

    def abandon(self) -> None:
        """A caller gives up."""
        every = [(end, call) for end in self.every_end for call in end.unsettled()]
        if every:
            end, call = self.chance.choice(every)
            self.note("gives up", call.number)
            end.give_up(call)

    # The network

    def cut(self) -> None:
        """What is on its way is lost from some point on, and the acceptor hears of it, or not."""
        conn = self.client.end.conn
        if conn is not None:
            for pipe in (conn.up, conn.down):
                for _ in range(self.chance.randint(0, len(pipe))):
                    pipe.pop()
            if self.chance.random() < 0.5:
                conn.process.detached(conn)
            self.client.broken()

    def break_at_acceptor(self) -> None:
        """A process sees a connection break."""
        if conns := [conn for conn in self.conns if conn.acceptor_open and conn.begun]:
            conn = self.chance.choice(conns)
            self.note("a connection breaks at its acceptor")
            conn.process.detached(conn)

    def accept(self) -> None:
        """A process reads a hello."""
        if conns := [conn for conn in self.conns if conn.acceptor_open and conn.hello is None and conn.up]:
            conn = self.chance.choice(conns)
            conn.process.accept(conn)

    def judge(self) -> None:
        """A process lets somebody in, not always in the order in which they came."""
        if judged := [conn for process in self.processes for conn in process.judged]:
            conn = self.chance.choice(judged)
            conn.process.judge(conn)

    def arrive(self) -> None:
        """Something reaches a process, over whichever connection."""
        if conns := [conn for conn in self.conns if conn.acceptor_open and conn.up and conn.end is not None]:
            conn = self.chance.choice(conns)
            conn.process.arrive(conn)

    def leave(self) -> None:
        """The process asks for another connection. The one that there is goes on until that stands."""
        self.client.connect(anew=True)

    def go_elsewhere(self) -> None:
        """The next connection reaches another process, which has been there all the time."""
        self.note("the address leads elsewhere")
        self.losses.add("elsewhere")
        self.here = self.chance.choice([process for process in self.processes if not process.stopping])

    # Ends

    def handle(self) -> None:
        """A handler begins, or ends."""
        end = self.chance.choice(self.every_end)
        if self.calm:
            for end in self.every_end:
                self._handle(end)
        else:
            self._handle(end)

    def _handle(self, end: End) -> None:
        chance = self.chance
        if (running := end.running) and (self.calm or chance.random() < 0.5):
            end.finish(chance.choice(running))
        elif (item := end.begin()) is not None and not (end.up or end.ended or self.calm) and chance.random() < 0.15:
            item.nested = self._call(up=False)
            end.call(item.nested)

    def release(self) -> None:
        """A handler lets the next one in."""
        self.chance.choice(self.every_end).release()

    def progress(self) -> None:
        """A handler of a streaming call gives a reply."""
        running = [(end, item) for end in self.every_end for item in end.running if item.call.kind == "streaming"]
        if running:
            end, item = self.chance.choice(running)
            end.reply(item, last=False)

    def write_back(self) -> None:
        """A process writes a message."""
        if ends := [end for end in self.every_end if end.conn is not None and not end.up]:
            self.chance.choice(ends).write()

    def ack(self) -> None:
        """An end says what it has taken."""
        ends = [end for end in self.every_end if end.conn is not None and end.ready and not end.ended]
        for end in ends if self.calm else ends and [self.chance.choice(ends)]:
            assert end.conn is not None
            end.pipe(end.conn).append(("ack", end.counted.taken))

    # Time, and what ends

    def pass_time(self) -> None:
        """Some time passes."""
        self.now += 0.2 if self.calm else self.chance.choice((0.001, 0.01, 0.1))
        for process in self.processes:
            process.pass_time()

    def pass_much_time(self) -> None:
        """More time passes than anybody waits for."""
        self.now += self.chance.choice((1.5, 40.0, 400.0))
        self.pass_time()

    def evict(self) -> None:
        """A process has too many sessions: one that waits is given up."""
        if every := [(p, half) for p in self.processes for half, end in p.ends.items() if end.conn is None]:
            process, half = self.chance.choice(every)
            self.losses.add("evict")
            process.give_up(half)

    def _kill(self, process: Process) -> None:
        process.kill()
        for conn in self.conns:
            if conn.process is process:
                conn.acceptor_open = False
                conn.up.clear()
        dead = list(process.ends.values())
        for end in dead:
            end.forget_work()
            end.conn = None
        self.processes.remove(process)

    def replace(self) -> None:
        """The process is killed, and another one begins at its address."""
        self.note("replaced")
        self.losses.add("replace")
        self._kill(self.here)
        self.here = self.start()
        self.processes.append(self.here)

    def stop(self) -> None:
        """The process ends its sessions in peace, and another one begins at its address."""
        self.note("stops")
        self.losses.add("stop")
        self.here.stop()
        self.here = self.start()
        self.processes.append(self.here)

    def _wind_up(self) -> None:
        for process in list(self.processes):
            if process.stopping and process.wind_up() and all(end.conn is None for end in process.ends.values()):
                self._kill(process)

    def close(self) -> None:
        """The opener is closed."""
        self.note("closed")
        self.losses.add("close")
        self.client.close()
