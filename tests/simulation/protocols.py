"""Small protocols, each right and with a mistake that is often made, and scenarios that use them under faults.

All talk with `calls.Text`: the text says what is asked, and the number is a timestamp, a term, or a count.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pygorums as gorums
from pygorums import testing
from tests.protos.calls_gorums import CallsServer, ask
from tests.protos.calls_pb2 import Text

Scenario = Callable[[testing.World], Awaitable[None]]

TIMEOUT = 0.5


class Answering(CallsServer):
    """Answers quorum calls, and serves nothing else."""

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return request

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None:
        return None

    async def spread(self, ctx: gorums.ServerContext, request: Text) -> None:
        return None

    async def follow(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:
        yield request

    async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return Text()


# A register: values with timestamps, read from and written to majorities.


class Register(Answering):
    """Keeps the newest value, on its disk. If `careless`, it answers before that is sure."""

    def __init__(self, disk: testing.Disk, *, careless: bool = False) -> None:
        self._disk = disk
        self._careless = careless
        self.value, self.number = "", 0
        if "value" in disk:
            number, _, self.value = disk.read("value").decode().partition(" ")
            self.number = int(number or 0)

    async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        if request.text == "read":
            return Text(text=self.value, number=self.number)
        if request.number > self.number:
            self.value, self.number = request.text.removeprefix("write "), request.number
            self._disk.append("journal", f"{self.number}\n".encode())
            self._disk.write("value", f"{self.number} {self.value}".encode())
            if not self._careless:
                self._disk.sync()
        return Text()


async def read_register(config: gorums.Configuration, quorum: int, *, write_back: bool) -> str | None:
    replies = await ask(config, Text(text="read"), timeout=TIMEOUT).ignore_errors().collect_n(quorum)
    if len(replies) < quorum:
        raise TimeoutError
    newest = max(replies.values(), key=lambda reply: reply.number)
    if write_back and newest.number:
        await ask(config, Text(text=f"write {newest.text}", number=newest.number), timeout=TIMEOUT).threshold(quorum)
    return newest.text or None


def register(*, write_back: bool = True, quorum: int = 2, careless: bool = False, crashes: int = 0) -> Scenario:
    async def scenario(world: testing.World) -> None:
        replicas = await world.servers(3, lambda node_id: Register(world.here.disk, careless=careless))
        history = testing.History()

        async def writer() -> None:
            config = world.connect(replicas, host="writer")
            for number in range(1, 6):
                await world.sleep(world.random.uniform(0, 0.05))
                request = Text(text=f"write v{number}", number=number)
                writing = ask(config, request, timeout=TIMEOUT).threshold(quorum)
                await history.call("writer", "write", f"v{number}", writing)

        async def reader(name: str) -> None:
            config = world.connect(replicas, host=name)
            for _ in range(5):
                await world.sleep(world.random.uniform(0, 0.05))
                await history.call(name, "read", None, read_register(config, quorum, write_back=write_back))

        async with world.faults(partitions=2, crashes=crashes, pauses=1, resets=2):
            await asyncio.gather(writer(), reader("r1"), reader("r2"))
        history.assert_linearizable(testing.register())

    return scenario


# A counter: each addition once, however often it is sent.


class Counter(Answering):
    """Adds. If it `remembers`, what it has added before it does not add again."""

    def __init__(self, *, remembers: bool) -> None:
        self._remembers = remembers
        self._known: dict[str, int] = {}
        self.total = 0

    async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        if not (self._remembers and request.text in self._known):
            self.total += request.number
            self._known[request.text] = self.total
        return Text(number=self._known[request.text])


def counter(*, remembers: bool, session: gorums.Session | None = None) -> Scenario:
    async def scenario(world: testing.World) -> None:
        (server,) = await world.servers(1, lambda _: Counter(remembers=remembers))
        history = testing.History()

        async def add(config: gorums.Configuration, name: str) -> int:
            return (await ask(config, Text(text=name, number=1), timeout=TIMEOUT).first()).number

        async def client(name: str) -> None:
            config = world.connect([server], host=name, session=session)
            for number in range(6):
                await history.call(name, "add", 1, add(config, f"{name} {number}"))

        async with world.faults(resets=4, over=0.3):
            await asyncio.gather(client("c1"), client("c2"))
        history.assert_linearizable(testing.counter())

    return scenario


# An election: one vote for each term, and who has a majority leads it.


class Voter(Answering):
    """Gives each term's vote to the first who asks. If `forgetful`, only until it is restarted."""

    def __init__(self, disk: testing.Disk, *, forgetful: bool) -> None:
        self._disk = disk
        self._forgetful = forgetful

    async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        name = f"term {request.number}"
        votes = self.__dict__ if self._forgetful else None
        if votes is not None:
            given = votes.setdefault(name, request.text)
        elif name in self._disk:
            given = self._disk.read(name).decode()
        else:
            given = request.text
            self._disk.write(name, given.encode())
            self._disk.sync(name)
        return Text(text="yes" if given == request.text else "no")


def election(*, forgetful: bool) -> Scenario:
    async def scenario(world: testing.World) -> None:
        voters = await world.systems(3, lambda node_id: Voter(world.here.disk, forgetful=forgetful))
        leaders: dict[int, set[str]] = {}
        world.always(lambda: all(len(names) <= 1 for names in leaders.values()), "one leader a term")

        async def candidate(name: str) -> None:
            config = world.connect(voters, host=name)
            for term in range(1, 8):
                await world.sleep(world.random.uniform(0, 0.1))
                votes = 0
                try:
                    async for vote in ask(config, Text(text=name, number=term), timeout=TIMEOUT).ignore_errors():
                        votes += vote.value.text == "yes"
                except gorums.GorumsError:
                    pass
                if votes >= 2:
                    leaders.setdefault(term, set()).add(name)

        async with world.faults(crashes=4, resets=1):
            await asyncio.gather(candidate("a"), candidate("b"))

    return scenario


# A leader: it answers reads by itself, as long as its lease lasts, or for ever if it is `trusting`.

LEASE = 0.2


class Member(Answering):
    """Keeps what the leader of the newest term writes, and promises it a lease."""

    def __init__(self) -> None:
        self.term = 0
        self.value, self.number = "", 0
        self.leased_until = 0.0

    async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        now = asyncio.get_running_loop().time()
        what, _, value = request.text.partition(" ")
        if what == "lead":
            if request.number <= self.term or now < self.leased_until:
                raise gorums.StatusError(gorums.StatusCode.FAILED_PRECONDITION, "there is a leader")
            self.term = request.number
        elif request.number != self.term:
            raise gorums.StatusError(gorums.StatusCode.FAILED_PRECONDITION, "that was another term")
        else:
            self.value, self.number = value, self.number + 1
        self.leased_until = now + LEASE
        return Text(text=self.value, number=self.number)


def leader(*, trusting: bool) -> Scenario:
    async def scenario(world: testing.World) -> None:
        members = await world.servers(3, lambda _: Member())
        history = testing.History(failures=[testing.NotExecutedError])

        async def lead(name: str, terms: range) -> None:
            config = world.connect(members, host=name)
            loop = asyncio.get_running_loop()
            for term in terms:
                await world.sleep(world.random.uniform(0, 0.2))
                asked = loop.time()
                replies = (
                    await ask(config, Text(text="lead", number=term), timeout=TIMEOUT).ignore_errors().collect_n(2)
                )
                if len(replies) < 2:
                    continue
                value, lease = max(replies.values(), key=lambda reply: reply.number).text, asked + LEASE
                for number in range(4):
                    await world.sleep(world.random.uniform(0, 0.1))
                    if not trusting and loop.time() >= lease:
                        break
                    await history.call(name, "read", None, _now(value or None))
                    asked, new = loop.time(), f"{name}-{term}-{number}"
                    request = Text(text=f"write {new}", number=term)
                    written = history.call(name, "write", new, ask(config, request, timeout=TIMEOUT).threshold(2))
                    if await written is None:
                        # It may be there or not: whoever leads next finds out.
                        if not trusting:
                            break
                    else:
                        value, lease = new, asked + LEASE

        async with world.faults(partitions=2, over=0.5):
            await asyncio.gather(lead("a", range(1, 9, 2)), lead("b", range(2, 10, 2)))
        history.assert_linearizable(testing.register())

    return scenario


async def _now(value: Any) -> Any:
    return value


RIGHT = {
    "register": register(),
    "durable register": register(crashes=2),
    "leader": leader(trusting=False),
    "counter": counter(remembers=True),
    "counter in sessions": counter(remembers=False, session=gorums.Session()),
    "election": election(forgetful=False),
}

WRONG = {
    "the write-back is forgotten": register(write_back=False),
    "a minority is taken for a quorum": register(quorum=1),
    "an acknowledged write is lost": register(careless=True, crashes=3),
    "a retry is not idempotent": counter(remembers=False),
    "votes are given twice": election(forgetful=True),
    "an old leader reads what was overwritten": leader(trusting=True),
}
