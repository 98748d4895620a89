"""What a replica remembers."""

from typing import NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp

from examples.storage.moments import moment

__all__ = ["Entry", "State"]


class Entry(NamedTuple):
    """A value and when it was written, by the clock of its writer."""

    value: str
    time: Timestamp


class State:
    """The newest value of each key. Not safe for use by several threads."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    def read(self, key: str) -> Entry | None:
        """The entry of a key, or None if it was never written."""
        return self._entries.get(key)

    def write(self, key: str, value: str, time: Timestamp) -> bool:
        """Take a value, unless a strictly newer one is there already.

        Returns:
            Whether the value was taken. Of two values with the same time the one that comes later stays.
        """
        known = self._entries.get(key)
        if known is not None and moment(known.time) > moment(time):
            return False
        self._entries[key] = Entry(value, time)
        return True
