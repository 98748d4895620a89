"""The log of one member: entries after a snapshot, by their index from 1."""

from collections.abc import Iterator, Sequence

from examples.raft.raft_pb2 import Entry, Members, Snapshot

__all__ = ["Log"]


class Log:
    """Entries with an index of at most that of the snapshot are in it; the others are here.

    Attributes:
        snapshot: What all entries before have come to.
    """

    def __init__(self, snapshot: Snapshot, entries: Sequence[Entry] = ()) -> None:
        self.snapshot = snapshot
        self._entries = list(entries)

    @property
    def first(self) -> int:
        """The index of the first entry that is here, or would be."""
        return self.snapshot.index + 1

    @property
    def last(self) -> int:
        """The index of the last entry."""
        return self.snapshot.index + len(self._entries)

    def __getitem__(self, index: int) -> Entry:
        return self._entries[index - self.first]

    def term_at(self, index: int) -> int:
        """The term of an entry that is here, or of the last one in the snapshot."""
        return self.snapshot.index_term if index < self.first else self[index].term

    def after(self, index: int, most: int) -> list[Entry]:
        """The entries behind an index, `most` at most."""
        start = index + 1 - self.first
        return self._entries[start : start + most]

    def append(self, entry: Entry) -> None:
        """Add an entry."""
        self._entries.append(entry)

    def cut(self, index: int) -> None:
        """Remove all entries from an index on."""
        del self._entries[index - self.first :]

    def compact(self, snapshot: Snapshot) -> None:
        """Put a snapshot in place of the entries that are in it; of those behind it only if they follow from it."""
        known = snapshot.index <= self.last and self.term_at(snapshot.index) == snapshot.index_term
        self._entries = self.after(snapshot.index, self.last) if known else []
        self.snapshot = snapshot

    def members(self) -> tuple[int, Members]:
        """The members that the log says there are, whether that is committed or not, and the index that says so."""
        for index, entry in self._backwards():
            if entry.WhichOneof("what") == "members":
                return index, entry.members
        return self.snapshot.index, self.snapshot.members

    def _backwards(self) -> Iterator[tuple[int, Entry]]:
        return zip(range(self.last, self.snapshot.index, -1), reversed(self._entries), strict=True)
