"""One member: the rules, with a clock, a disk and the others."""

import asyncio
import random
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from google.protobuf.empty_pb2 import Empty

import pygorums as gorums
from examples.raft import raft_pb2 as pb
from examples.raft.disk import Disk
from examples.raft.durable import Durable
from examples.raft.raft_gorums import RaftServer, append, confirm, install, stand, vote
from examples.raft.rules import Role

__all__ = ["RaftMember"]


class RaftMember(RaftServer):
    """A service for a `pygorums.System`, whose other members are the other Raft members. Times are seconds.

    Args:
        node_id: The ID of its system.
        disk: What it has kept.
        election: How long it waits for a leader before it stands for election: something between the two.
        heartbeat: How often a leader says that it is there.
        keep: Entries that the log may have before a snapshot is put in their place.
    """

    def __init__(
        self,
        node_id: int,
        disk: Disk,
        *,
        election: tuple[float, float] = (0.3, 0.6),
        heartbeat: float = 0.1,
        keep: int = 10_000,
    ) -> None:
        self._state = Durable(node_id, disk, keep)
        self.raft = self._state.raft
        self._election, self._heartbeat = election, heartbeat
        self._tasks: set[asyncio.Task[None]] = set()
        self._feeders: dict[int, asyncio.Task[None]] = {}  # a task for each follower of this leader
        self._joining: dict[int, str] = {}  # who gets the log, but does not vote yet
        self._reads: list[asyncio.Future[None]] = []  # who waits to read

    async def started(self, system: gorums.System) -> None:
        """Begin, once the system serves."""
        self._system = system
        self._loop = asyncio.get_running_loop()
        self._heard_at = self._loop.time()
        self._answered_at: dict[int, float] = {}
        for work in (self._state.keep_saving(), self._watch(), self._read(), self._follow_members()):
            self._begin(work)

    async def stop(self) -> None:
        """Hand on the leadership, if it has it and somebody can take it, and end. The system is to be stopped after."""
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * self._election[1]):
                await self._hand_on()
        for task in [*self._tasks, *self._feeders.values()]:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._feeders.values(), return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # Elections.

    async def _watch(self) -> None:
        """Stand for election when nothing is heard of a leader; as a leader, resign when nothing is heard of others."""
        while True:
            patience = random.uniform(*self._election)
            while (left := self._heard_at + patience - self._loop.time()) > 0:  # noqa: ASYNC110 - it is heard of often
                await asyncio.sleep(left)
            self._heard_at = self._loop.time()
            if self.raft.role is Role.LEADER:
                since = self._heard_at - self._election[1]
                reached = [peer for peer in self.raft.members if self._answered_at.get(peer, 0) >= since]
                if len({*reached, self.raft.id} & self.raft.members.keys()) < self.raft.majority:
                    self.raft.resign()
                    self._state.lost()
            elif self.raft.id in self.raft.members:
                self.raft.leader = 0  # so that it would vote for itself, too
                if await self._wins(self.raft.vote_request(would=True)):
                    await self._stand()

    async def _stand(self) -> None:
        raft = self.raft
        raft.stand()
        await self._state.saved()
        request = raft.vote_request()
        if await self._wins(request) and (raft.term, raft.role) == (request.term, Role.CANDIDATE):
            raft.lead()
            self._answered_at = dict.fromkeys(raft.members, self._loop.time())
            self._begin(self._feed_all(raft.term))
            self._state.changed()

    async def _wins(self, request: pb.VoteRequest) -> bool:
        def granted(reply: pb.VoteReply, _: gorums.Node) -> bool:
            if reply.term > self.raft.term:
                self.raft.hear(reply.term)
            return reply.granted

        try:
            votes = vote(self._members(), request, timeout=self._election[0])
            await votes.collect_quorum(self.raft.majority, granted)
        except gorums.QuorumCallError:
            return False
        return True

    async def vote(self, ctx: gorums.ServerContext, request: pb.VoteRequest) -> pb.VoteReply:
        recently = self._loop.time() - self._heard_at < self._election[0]
        content = self.raft.role is Role.LEADER or (self.raft.leader != 0 and recently)
        reply = self.raft.vote(request, content=content)
        if reply.granted and not request.would:
            self._heard_at = self._loop.time()
        self._state.lost()
        await self._state.saved()
        return reply

    async def stand(self, ctx: gorums.ServerContext, request: pb.Leader) -> None:
        ctx.release()
        if (request.term, request.id) == (self.raft.term, self.raft.leader):
            self._begin(self._stand())

    async def _hand_on(self) -> None:
        """Have the member that has most of the log stand for election, as soon as it has all."""
        raft = self.raft
        others = [peer for peer in raft.members if peer != raft.id]
        if raft.role is not Role.LEADER or not others:
            return
        heir = max(others, key=lambda peer: (raft.match.get(peer, 0), self._answered_at.get(peer, 0)))
        while raft.role is Role.LEADER and raft.match.get(heir, 0) < raft.log.last:
            await self._state.turn()
        with suppress(gorums.GorumsError):
            await stand(self._system.outbound.node(heir), pb.Leader(term=raft.term, id=raft.id))
        while raft.role is Role.LEADER:
            await self._state.turn()

    # Replication.

    async def _feed_all(self, term: int) -> None:
        """Have a task for each follower, while this member leads."""
        try:
            while (self.raft.role, self.raft.term) == (Role.LEADER, term):
                wanted = {*self.raft.members, *self._joining} - {self.raft.id}
                for peer in wanted - self._feeders.keys():
                    self._feeders[peer] = self._loop.create_task(self._feed(peer, term))
                for peer in self._feeders.keys() - wanted:
                    self._feeders.pop(peer).cancel()
                await self._state.turn()
        finally:
            self._joining.clear()
            for task in self._feeders.values():
                task.cancel()
            self._feeders.clear()

    async def _feed(self, peer: int, term: int) -> None:
        """Give a follower what it has not got, and let it hear of us when it has all."""
        raft = self.raft
        while (raft.role, raft.term) == (Role.LEADER, term):
            request = raft.entries_for(peer)
            try:
                node = self._system.outbound.node(peer)
                if isinstance(request, pb.Snapshot):
                    reply = await install(node, request, timeout=10 * self._election[1])
                else:
                    reply = await append(node, request, timeout=self._election[1])
            except (gorums.GorumsError, KeyError):
                await asyncio.sleep(self._heartbeat)
                continue
            self._answered_at[peer] = self._loop.time()
            told = raft.commit
            raft.appended(peer, reply)
            self._state.lost()
            self._state.execute()
            if reply.done and raft.match.get(peer, 0) == raft.log.last and told == raft.commit:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._heartbeat):
                        while raft.match[peer] == raft.log.last and told == raft.commit:
                            await self._state.turn()

    async def append(self, ctx: gorums.ServerContext, request: pb.Entries) -> pb.Appended:
        return await self._took(request.term, self.raft.append(request))

    async def install(self, ctx: gorums.ServerContext, request: pb.Snapshot) -> pb.Appended:
        reply = self.raft.install(request)
        self._state.installed(request)
        return await self._took(request.term, reply)

    async def _took(self, term: int, reply: pb.Appended) -> pb.Appended:
        if term == self.raft.term:
            self._heard_at = self._loop.time()
        self._state.lost()
        await self._state.saved()
        self._state.execute()
        return reply

    # Members.

    def _members(self) -> gorums.Configuration:
        """Those who vote, of those whom the system knows."""
        known = self._system.outbound
        return known.remove(*(node_id for node_id in known.node_ids if node_id not in self.raft.members))

    async def _follow_members(self) -> None:
        """Have the system connected to those whom the log names."""
        addresses: dict[int, str] = {}
        while True:
            own = {self.raft.id: self._system.address}
            wanted = {**own, **self.raft.members, **self._joining}
            if wanted != addresses:
                addresses = wanted
                await self._system.reconfigure(wanted)
                self._state.changed()
            else:
                await self._state.turn()

    async def change(self, ctx: gorums.ServerContext, request: pb.Member) -> pb.Outcome:
        """Add a member once it has all of the log, or remove one."""
        ctx.release()
        raft = self.raft
        if not raft.may_change:
            return self._refusal()
        members, term = dict(raft.members), raft.term
        if not request.address:
            if request.id == raft.id:
                await self._hand_on()  # and the client asks the next one
                return self._refusal()
            members.pop(request.id, None)
        elif members.get(request.id) != request.address:
            members[request.id] = self._joining[request.id] = request.address
            self._state.changed()
            try:
                while (raft.role, raft.term) == (Role.LEADER, term) and raft.match.get(request.id, 0) < raft.commit:
                    await self._state.turn()
            finally:
                self._joining.pop(request.id, None)
        if (raft.term, raft.may_change) != (term, True):
            return self._refusal()
        if members == raft.members:
            return pb.Outcome(done=True)
        await self._state.outcome(pb.Entry(members=pb.Members(addresses=members)))
        return pb.Outcome(done=True)

    # Clients.

    async def execute(self, ctx: gorums.ServerContext, request: pb.Command) -> pb.Outcome:
        """Execute a command. Reads are not in the log: they wait until it is certain that nobody else leads."""
        ctx.release()
        if self.raft.role is not Role.LEADER:
            return self._refusal()
        if request.kind != pb.Command.GET:
            return await self._state.outcome(pb.Entry(command=request))
        read = self._loop.create_future()
        self._reads.append(read)
        self._state.changed()
        await read
        return self._state.store.get(request.key)

    async def _read(self) -> None:
        """Let those read who wait for it, together: once what is committed is surely the newest (6.4 of the thesis)."""
        raft = self.raft
        while True:
            while not self._reads:
                await self._state.turn()
            reads, self._reads = self._reads, []
            index, term = raft.commit, raft.term
            error: Exception | None = None
            if raft.log.term_at(index) != term or not await self._leads(term):
                error = gorums.StatusError(gorums.StatusCode.ABORTED, "it is not certain who leads: ask again")
            else:
                while self._state.executed < index:
                    await self._state.turn()
            for read in reads:
                if not read.done():
                    read.set_result(None) if error is None else read.set_exception(error)

    async def _leads(self, term: int) -> bool:
        """Whether a majority still follows us."""
        try:
            confirmed = confirm(self._members(), pb.Leader(term=term, id=self.raft.id), timeout=self._election[0])
            await confirmed.collect_quorum(self.raft.majority, lambda reply, _: reply.term == term)
        except gorums.QuorumCallError:
            return False
        return (self.raft.role, self.raft.term) == (Role.LEADER, term)

    async def confirm(self, ctx: gorums.ServerContext, request: pb.Leader) -> pb.Leader:
        if self.raft.follow(request.term, request.id):
            self._heard_at = self._loop.time()
        self._state.lost()
        await self._state.saved()
        return pb.Leader(term=self.raft.term, id=self.raft.leader)

    def _refusal(self) -> pb.Outcome:
        leader = self.raft.leader if self.raft.leader != self.raft.id else 0
        return pb.Outcome(refused=True, leader=leader)

    async def status(self, ctx: gorums.ServerContext, request: Empty) -> pb.State:
        raft = self.raft
        return pb.State(
            id=raft.id,
            term=raft.term,
            role=raft.role.value,
            leader=raft.leader,
            commit=raft.commit,
            last=raft.log.last,
            members=pb.Members(addresses=raft.members),
        )
