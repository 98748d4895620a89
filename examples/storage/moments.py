"""The timestamps that order the writes of a key."""

import time

from google.protobuf.timestamp_pb2 import Timestamp

__all__ = ["moment", "now"]


def moment(timestamp: Timestamp) -> tuple[int, int]:
    """A timestamp as something that compares: later is greater.

    Takes any timestamp that a writer sends, where the conversions of protobuf raise for one outside the years 1 to
    9999.
    """
    return timestamp.seconds, timestamp.nanos


def now() -> Timestamp:
    """The time of a write that happens now."""
    timestamp = Timestamp()
    timestamp.FromNanoseconds(time.time_ns())
    return timestamp
