"""The rules of Raft, without time, tasks, disks or network: what a member decides when it is told something.

Whatever is decided has to be on the disk before others are told of it: `unsaved` has what is not. Numbers in brackets
are the figures and sections of the paper.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from examples.raft.log import Log
from examples.raft.raft_pb2 import Appended, Entries, Entry, Members, Snapshot, VoteReply, VoteRequest

__all__ = ["Change", "Cut", "Raft", "Role", "Saved", "Vote", "first"]

MOST = 1000
"""Entries in one message."""


class Role(Enum):
    """What a member is in its term."""

    FOLLOWER = "follower"
    CANDIDATE = "candidate"
    LEADER = "leader"


@dataclass(frozen=True)
class Vote:
    """The newest term, and for whom was voted in it."""

    term: int = 0
    candidate: int = 0


@dataclass(frozen=True)
class Cut:
    """All entries from an index on are no longer in the log."""

    index: int


Change = Vote | Cut | Snapshot | tuple[int, Entry]
"""What is to be saved: an entry comes with its index."""


@dataclass(frozen=True)
class Saved:
    """What a member finds on its disk when it starts."""

    vote: Vote
    snapshot: Snapshot
    entries: tuple[Entry, ...]


class Raft:
    """One member's part.

    Attributes:
        term: The newest term that it has heard of.
        role: What it is in that term.
        leader: Who leads it, as far as it knows; 0 if it does not.
        commit: All entries up to this index are committed.
        durable: All up to this one are on its own disk.
        match: As a leader: up to which index the others' logs are known to be the same, on their disks.
        unsaved: What has not been given to the disk.
    """

    def __init__(self, node_id: int, saved: Saved) -> None:
        self.id = node_id
        self.term, self._voted_for = saved.vote.term, saved.vote.candidate
        self.log = Log(saved.snapshot, saved.entries)
        self.members_index, self.members = self._listed()
        self.role = Role.FOLLOWER
        self.leader = 0
        self.commit = saved.snapshot.index
        self.durable = self.log.last
        self.match: dict[int, int] = {}
        self._next: dict[int, int] = {}
        self.unsaved: list[Change] = []

    # Elections.

    def vote_request(self, *, would: bool = False) -> VoteRequest:
        """What to ask the others; of the next term, if it is only asked how they would vote."""
        last = self.log.last
        term = self.term + 1 if would else self.term
        return VoteRequest(term=term, candidate=self.id, last_index=last, last_term=self.log.term_at(last), would=would)

    def stand(self) -> None:
        """Be a candidate in a new term, with the own vote."""
        self._enter(self.term + 1, self.id)
        self.role = Role.CANDIDATE

    def vote(self, request: VoteRequest, *, content: bool) -> VoteReply:
        """Vote for a candidate, or not.

        Args:
            request: Its request.
            content: Whether a leader was heard of lately. Nobody helps to replace it then, so that who has been cut
                off, or is no member any more, does no harm when it comes back (4.2.3 of Ongaro's thesis).
        """
        newest = (self.log.term_at(self.log.last), self.log.last)
        current = (request.last_term, request.last_index) >= newest  # (5.4.1)
        if request.would:
            return VoteReply(term=self.term, granted=current and not content and request.term > self.term)
        self.hear(request.term)
        granted = request.term == self.term and current and self._voted_for in (0, request.candidate)
        if granted and not self._voted_for:
            self._enter(self.term, request.candidate)
        return VoteReply(term=self.term, granted=granted)

    def lead(self) -> None:
        """Be the leader: a majority has voted for us. An entry of the new term makes sure of those before (5.4.2)."""
        self.role, self.leader = Role.LEADER, self.id
        self.match, self._next = {}, {}
        self.propose(Entry())

    def hear(self, term: int) -> bool:
        """Whether a term is no older than ours. If it is newer it is ours from now on, and we follow (5.1)."""
        if term > self.term:
            self._enter(term, 0)
            self.role, self.leader = Role.FOLLOWER, 0
        return term == self.term

    def follow(self, term: int, leader: int) -> bool:
        """Whether somebody is, or was, the leader of the newest term."""
        if not self.hear(term):
            return False
        if self.role is not Role.LEADER:
            self.role, self.leader = Role.FOLLOWER, leader
        return self.leader == leader

    def resign(self) -> None:
        """Lead no longer, though no newer term is known."""
        self.role, self.leader = Role.FOLLOWER, 0

    def _enter(self, term: int, voted_for: int) -> None:
        self.term, self._voted_for = term, voted_for
        self.unsaved.append(Vote(term, voted_for))

    # The log.

    def propose(self, entry: Entry) -> int:
        """Add an entry, as the leader; its index."""
        entry.term = self.term
        self._add(entry)
        return self.log.last

    def entries_for(self, peer: int) -> Entries | Snapshot:
        """What a follower should be given next; no entries if it has all."""
        after = self._next.setdefault(peer, self.log.last + 1) - 1
        if after < self.log.snapshot.index:
            snapshot = Snapshot()
            snapshot.CopyFrom(self.log.snapshot)
            snapshot.term, snapshot.leader = self.term, self.id
            return snapshot
        entries = self.log.after(after, MOST)
        term = self.log.term_at(after)
        return Entries(
            term=self.term, leader=self.id, after=after, after_term=term, entries=entries, commit=self.commit
        )

    def append(self, request: Entries) -> Appended:
        """Take entries from the leader (figure 2). The reply holds once all that is unsaved is saved."""
        if not self.follow(request.term, request.leader):
            return Appended(term=self.term)
        after = request.after
        if after > self.log.last:
            return Appended(term=self.term, index=self.log.last)
        if after >= self.log.snapshot.index and self.log.term_at(after) != request.after_term:
            wrong = self.log.term_at(after)
            while after > self.commit and self.log.term_at(after) == wrong:
                after -= 1  # all of the wrong term at once (5.3)
            return Appended(term=self.term, index=after)
        for index, entry in enumerate(request.entries, request.after + 1):
            if index <= self.log.snapshot.index:
                continue
            if index <= self.log.last:
                if self.log.term_at(index) == entry.term:
                    continue
                self._cut(index)
            self._add(entry)
        index = request.after + len(request.entries)
        self.commit = max(self.commit, min(request.commit, index))
        return Appended(term=self.term, done=True, index=index)

    def install(self, snapshot: Snapshot) -> Appended:
        """Take a snapshot from the leader, in place of what is older."""
        if not self.follow(snapshot.term, snapshot.leader):
            return Appended(term=self.term)
        if snapshot.index > self.commit:
            self.compact(snapshot)
            self.commit = snapshot.index
        return Appended(term=self.term, done=True, index=snapshot.index)

    def appended(self, peer: int, reply: Appended) -> None:
        """Learn what a follower has answered."""
        if not self.hear(reply.term) or self.role is not Role.LEADER:
            return
        if reply.done:
            self.match[peer] = max(self.match.get(peer, 0), reply.index)
            self._next[peer] = self.match[peer] + 1
            self.count()
        else:
            self._next[peer] = max(self.match.get(peer, 0), reply.index) + 1

    def saved(self, index: int) -> None:
        """Learn that all entries up to this one are on the own disk, or were."""
        cuts = [change.index - 1 for change in self.unsaved if isinstance(change, Cut)]
        self.durable = max(self.durable, min([index, *cuts]))
        if self.role is Role.LEADER:
            self.count()

    def count(self) -> None:
        """As the leader: commit what a majority has, if an entry of this term is among it (5.4.2)."""
        have = sorted(self.durable if member == self.id else self.match.get(member, 0) for member in self.members)
        index = have[(len(have) - 1) // 2] if have else 0
        if index > self.commit and self.log.term_at(index) == self.term:
            self.commit = index

    def compact(self, snapshot: Snapshot) -> None:
        """Keep a snapshot in place of the entries that are in it."""
        self.log.compact(snapshot)
        self.unsaved.append(snapshot)
        self.members_index, self.members = self._listed()
        self.durable = min(max(self.durable, snapshot.index), self.log.last)

    def _add(self, entry: Entry) -> None:
        self.log.append(entry)
        self.unsaved.append((self.log.last, entry))
        if entry.WhichOneof("what") == "members":
            self.members_index, self.members = self._listed()

    def _cut(self, index: int) -> None:
        assert index > self.commit, "what is committed is never replaced"
        self.log.cut(index)
        self.unsaved.append(Cut(index))
        self.durable = min(self.durable, index - 1)
        if self.members_index >= index:
            self.members_index, self.members = self._listed()

    # Members.

    @property
    def majority(self) -> int:
        """How many of the members are more than half."""
        return len(self.members) // 2 + 1

    @property
    def may_change(self) -> bool:
        """Whether the members may be changed: one change at a time, and in this term's log (4.1 of the thesis)."""
        return (
            self.role is Role.LEADER
            and self.members_index <= self.commit
            and self.log.term_at(self.commit) == self.term
        )

    def _listed(self) -> tuple[int, Mapping[int, str]]:
        index, members = self.log.members()
        return index, dict(sorted(members.addresses.items()))


def first(members: Mapping[int, str]) -> Saved:
    """What all members of a new cluster start with; who joins one later starts with no members."""
    return Saved(Vote(), Snapshot(members=Members(addresses=members)), ())
