"""The Raft example on simulated hosts: its scenarios, and a disk for it."""

import asyncio
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence

from examples.raft.client import Client
from examples.raft.log import Log
from examples.raft.member import RaftMember
from examples.raft.raft_pb2 import Entry, Snapshot
from examples.raft.rules import Change, Cut, Role, Saved, Vote, first
from pygorums import testing

__all__ = ["MEMBERS", "Journal", "Scenario", "changing", "clients", "cluster"]

MEMBERS = {1: "s1:7000", 2: "s2:7000", 3: "s3:7000"}

Scenario = Callable[[testing.World], Awaitable[None]]
_HEAD = struct.Struct(">cQQI")


class Journal:
    """A `Disk` in a file of a host. If `forgetful`, it says that it has saved what it has not."""

    def __init__(self, disk: testing.Disk, members: Mapping[int, str], *, forgetful: bool = False) -> None:
        self._disk = disk
        self._forgetful = forgetful
        if "journal" not in disk:
            self.save([first(members).snapshot])
            disk.sync()

    def load(self) -> Saved:
        vote, log = Vote(), Log(Snapshot())
        data, at = self._disk.read("journal"), 0
        while at + _HEAD.size <= len(data):
            kind, one, other, size = _HEAD.unpack_from(data, at)
            at += _HEAD.size + size
            if at > len(data):
                break  # a crash came in between
            body = data[at - size : at]
            match kind:
                case b"V":
                    vote = Vote(one, other)
                case b"C":
                    log.cut(one)
                case b"S":
                    log.compact(Snapshot.FromString(body))
                case b"E":
                    log.append(Entry.FromString(body))
        return Saved(vote, log.snapshot, tuple(log.after(log.snapshot.index, log.last)))

    def save(self, changes: Sequence[Change]) -> None:
        for change in changes:
            kind, one, other, body = b"E", 0, 0, b""
            match change:
                case Vote(term, candidate):
                    kind, one, other = b"V", term, candidate
                case Cut(index):
                    kind, one = b"C", index
                case Snapshot():
                    kind, body = b"S", change.SerializeToString()
                case (_, entry):
                    body = entry.SerializeToString()
            self._disk.append("journal", _HEAD.pack(kind, one, other, len(body)) + body)
        if not self._forgetful:
            self._disk.sync()


class Watched:
    """What must hold of all members at any time (figure 3 of the paper)."""

    def __init__(self, world: testing.World, replicas: Sequence[testing.Replica]) -> None:
        self._replicas = replicas
        self._leaders: dict[int, int] = {}
        self._committed: list[bytes] = [b""]  # by index: the entries that are committed
        self._looked_at: dict[int, tuple[object, int]] = {}
        world.always(self._holds, "one leader a term, and one log")

    def _holds(self) -> bool:
        for replica in self._replicas:
            if not replica.up or replica.service is None:
                continue
            raft = replica.service.raft
            if raft.role is Role.LEADER and self._leaders.setdefault(raft.term, raft.id) != raft.id:
                return False
            known, index = self._looked_at.get(raft.id, (None, 0))
            index = max(index if known is raft else 0, raft.log.snapshot.index)
            while index < raft.commit:
                index += 1
                entry = raft.log[index].SerializeToString()
                while len(self._committed) <= index:
                    self._committed.append(entry if len(self._committed) == index else b"?")
                if self._committed[index] == b"?":
                    self._committed[index] = entry
                if self._committed[index] != entry:
                    return False
            self._looked_at[raft.id] = (raft, index)
        return True


async def cluster(
    world: testing.World, *, keep: int = 8, forgetful: bool = False, members: Mapping[int, str] = MEMBERS, n: int = 3
) -> list[testing.Replica]:
    """Hosts, of whom `members` are in the cluster from the beginning. Their logs are short: there are snapshots."""

    def make(node_id: int) -> RaftMember:
        journal = Journal(world.here.disk, members if node_id in members else {}, forgetful=forgetful)
        return RaftMember(node_id, journal, keep=keep)

    replicas = await world.systems(n, make)
    Watched(world, replicas)
    return replicas


def clients() -> Scenario:
    """Clients of a key-value store while members crash, stand still, and are cut off."""

    async def run(world: testing.World) -> None:
        replicas = await cluster(world)
        history = testing.History()

        async def client(name: str) -> None:
            asked = Client(world.connect(replicas, host=name), patience=0.5)
            for number in range(6):
                await world.sleep(world.random.uniform(0, 0.4))
                key = world.random.choice("xy")
                match world.random.randrange(3):
                    case 0:
                        value = f"{name}{number}"
                        await history.call(name, "put", (key, value), asked.put(key, value, timeout=5))
                    case 1:
                        await history.call(name, "get", key, asked.get(key, timeout=5))
                    case 2:
                        old, value = world.random.choice([None, "a0", "b1", "c2"]), f"{name}{number}"
                        await history.call(name, "cas", (key, old, value), asked.cas(key, old, value, timeout=5))

        async with world.faults(partitions=2, crashes=2, pauses=1, resets=2, over=3.0):
            await asyncio.gather(*(client(name) for name in "abc"))
        last = Client(world.connect(replicas, host="last"))
        await history.call("last", "put", ("x", "end"), last.put("x", "end", timeout=30))
        assert await last.get("x", timeout=30) == "end", "it goes on when all faults are over"
        history.assert_linearizable(STORE)

    return run


async def changing(world: testing.World) -> None:
    """A fourth member comes, the first one goes, and comes back, while a counter counts."""
    replicas = await cluster(world, n=4)
    history = testing.History()
    done = asyncio.Event()

    async def count() -> None:
        asked = Client(world.connect(replicas, host="a"), patience=0.5)
        value = None
        while not done.is_set():
            new = str(int(value or 0) + 1)
            found = await history.call("a", "cas", ("n", value, new), asked.cas("n", value, new, timeout=30))
            assert found is True, "nobody else counts"
            value = new
            await world.sleep(0.02)

    async def change() -> None:
        asked = Client(world.connect(replicas, host="b"), patience=0.5)
        addresses = {replica.node_id: replica.address for replica in replicas}
        for node_id, address in ((4, addresses[4]), (1, ""), (2, ""), (1, addresses[1])):
            await asked.change(node_id, address, timeout=60)
        done.set()

    async with world.faults(partitions=1, crashes=1, pauses=1, resets=2, over=2.0):
        await asyncio.gather(count(), change())
    leaders = [replica for replica in replicas if replica.service.raft.role is Role.LEADER]
    assert set(leaders[0].service.raft.members) == {1, 3, 4}
    history.assert_linearizable(STORE)


def _step(state: str | None, operation: testing.Operation) -> object:
    match operation.name:
        case "put":
            return operation.argument[1]
        case "get":
            return state if operation.gave(state) else testing.IMPOSSIBLE
        case _:
            _, expected, value = operation.argument
            done = state == expected
            if not operation.gave(done):
                return testing.IMPOSSIBLE
            return value if done else state


def _key(operation: testing.Operation) -> str:
    return operation.argument if isinstance(operation.argument, str) else operation.argument[0]


STORE = testing.Model(None, _step, key=_key)
