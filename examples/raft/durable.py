"""What a member does with its log: saves it, and executes what is committed."""

import asyncio

import pygorums as gorums
from examples.raft.disk import Disk
from examples.raft.raft_pb2 import Entry, Members, Outcome, Snapshot
from examples.raft.rules import Raft, Role
from examples.raft.store import Store

__all__ = ["Durable"]


class Durable:
    """The rules with a disk below and a store on top.

    Args:
        node_id: The own ID.
        disk: What was kept.
        keep: Entries that the log may have before a snapshot is put in their place.

    Attributes:
        raft: The rules.
        store: What has come of all that is executed.
        executed: Up to which index that is.
    """

    def __init__(self, node_id: int, disk: Disk, keep: int) -> None:
        saved = disk.load()
        assert saved is not None, "a disk knows at least the first members"
        self.raft = Raft(node_id, saved)
        self.store = Store(saved.snapshot.data)
        self.executed = saved.snapshot.index
        self._disk, self._keep = disk, keep
        self._outcomes: dict[int, tuple[int, asyncio.Future[Outcome]]] = {}  # by index: the term, and who waits
        self._unsaved: list[asyncio.Future[None]] = []  # who waits for the disk
        self._writing = False
        self._turn = asyncio.Event()

    async def turn(self) -> None:
        """Wait until anything has changed."""
        await self._turn.wait()

    def changed(self) -> None:
        """Let everybody look what there is to do."""
        self._turn.set()
        self._turn = asyncio.Event()

    async def saved(self) -> None:
        """Done when all that was decided up to now is on the disk."""
        if self.raft.unsaved or self._unsaved or self._writing:
            saved = asyncio.get_running_loop().create_future()
            self._unsaved.append(saved)
            self.changed()
            await saved

    async def keep_saving(self) -> None:
        """Save what there is to save; what is decided meanwhile is saved together the next time."""
        while True:
            while not self.raft.unsaved and not self._unsaved:
                await self.turn()
            changes, self.raft.unsaved = self.raft.unsaved, []
            waiting, self._unsaved = self._unsaved, []
            last, self._writing = self.raft.log.last, True
            await asyncio.to_thread(self._disk.save, changes)
            self._writing = False
            self.raft.saved(last)
            for each in waiting:
                if not each.done():
                    each.set_result(None)
            self.execute()

    async def outcome(self, entry: Entry) -> Outcome:
        """Add an entry, as the leader, and wait for what comes of it.

        Raises:
            StatusError: Somebody else leads now. It may be executed all the same.
        """
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._outcomes[self.raft.propose(entry)] = (self.raft.term, outcome)
        self.changed()
        return await outcome

    def execute(self) -> None:
        """Execute what is committed, and tell those who wait for it."""
        raft = self.raft
        while self.executed < raft.commit:
            self.executed += 1
            entry = raft.log[self.executed]
            outcome = self.store.execute(entry.command) if entry.WhichOneof("what") == "command" else Outcome()
            term, waiting = self._outcomes.pop(self.executed, (0, None))
            if waiting is not None and not waiting.done():
                waiting.set_result(outcome if term == entry.term else Outcome(refused=True))
        # If the members change just now the log does not say any more who they were at that index.
        if self.executed - raft.log.snapshot.index >= self._keep and raft.members_index <= self.executed:
            raft.compact(
                Snapshot(
                    index=self.executed,
                    index_term=raft.log.term_at(self.executed),
                    members=Members(addresses=raft.members),
                    data=self.store.dump(),
                )
            )
        self.changed()

    def installed(self, snapshot: Snapshot) -> None:
        """Go on from a snapshot, if it is newer than what was executed."""
        if self.executed < self.raft.log.snapshot.index:
            self.store, self.executed = Store(snapshot.data), snapshot.index

    def lost(self) -> None:
        """If it does not lead any more, tell those who wait for outcomes."""
        if self.raft.role is not Role.LEADER:
            for _, waiting in self._outcomes.values():
                if not waiting.done():
                    text = "the leader has changed: ask the new one, with the same number"
                    waiting.set_exception(gorums.StatusError(gorums.StatusCode.ABORTED, text))
            self._outcomes.clear()
            self.changed()
