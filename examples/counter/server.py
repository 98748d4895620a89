"""The counter: a line in a file for each addition, so that it outlives its process."""

from pathlib import Path

from google.protobuf.empty_pb2 import Empty

import pygorums as gorums
from examples.counter.counter_gorums import CounterServer
from examples.counter.counter_pb2 import Amount, Value

__all__ = ["Counter"]


class Counter(CounterServer):
    """Adds what it is told to, as often as it is told.

    Args:
        file: Where the additions are written; it is made if it is not there. They survive the process, not a loss of
            power.
    """

    def __init__(self, file: Path) -> None:
        self._file = file.open("ab", buffering=0)
        self._value = sum(map(int, file.read_text().split()))

    async def add(self, ctx: gorums.ServerContext, request: Amount) -> Value:
        """Add."""
        self._file.write(b"%d\n" % request.amount)
        self._value += request.amount
        return Value(value=self._value)

    async def look(self, ctx: gorums.ServerContext, request: Empty) -> Value:
        """The value."""
        return Value(value=self._value)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
