"""What the two ends of a stream tell each other before its first message, as docs/wire.md has it.

The opener says in the metadata of a stream who it is and which extensions of the protocol it knows. The acceptor
confirms in its own metadata those that it knows too. What then holds, both ends read from these pairs alone. Whoever
says nothing gets the protocol without extensions, and what cannot be read is as if it had not been said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pygorums.wire.batching import MAX_ENVELOPE

__all__ = [
    "BATCH_KEY",
    "CANCEL_KEY",
    "CONFIRMS",
    "DRAIN_KEY",
    "EXTENSIONS",
    "HEARTBEAT_KEY",
    "HEARTBEAT_WANTED_KEY",
    "INSTANCE_KEY",
    "MAX_MESSAGE_KEY",
    "MAX_NODE_ID",
    "NODE_ID_KEY",
    "NO_LIMIT",
    "PATIENCE",
    "PEERS_KEY",
    "PROBE",
    "SLOWEST",
    "STREAM_END_KEY",
    "Agreement",
    "Pairs",
    "Terms",
    "claimed_node_id",
    "instance_of",
]

Pairs = tuple[tuple[str, str | bytes], ...]
"""Metadata of a stream as pairs. The values of keys that end in ``-bin`` are bytes, all others are strings."""

NODE_ID_KEY = "gorums-node-id"
"""Absent from an ordinary client, ``0`` from one that serves calls made back to it, else a node ID."""

INSTANCE_KEY = "pygorums-instance"
"""The same random number at each stream that one opener opens to one node. Nobody else knows it."""

PEERS_KEY = "pygorums-peers"
"""The ID that the opener takes the acceptor to have, and all IDs that it knows, ``2 1-5,9``."""

BATCH_KEY = "pygorums-batch"
STREAM_END_KEY = "pygorums-stream-end"
CANCEL_KEY = "pygorums-cancel"
DRAIN_KEY = "pygorums-drain"
MAX_MESSAGE_KEY = "pygorums-max-message"
HEARTBEAT_KEY = "pygorums-heartbeat"
HEARTBEAT_WANTED_KEY = "pygorums-heartbeat-wanted"

PROBE = "/grpc.health.v1.Health/Check"
"""A method that everybody who speaks gRPC answers, if only by saying that there is none."""

CONFIRMS: Pairs = (("pygorums-confirms", "1"),)
"""In the trailers of that answer: who gives it sends metadata with each stream, though it may take a while."""

EXTENSIONS: Pairs = ((BATCH_KEY, "1"), (STREAM_END_KEY, "1"), (CANCEL_KEY, "1"), (DRAIN_KEY, "1"))
"""The extensions that are either known or not."""

MAX_NODE_ID = (1 << 32) - 1
"""Node IDs are uint32 on the wire; 0 is reserved."""

NO_LIMIT = 1 << 62
"""Bytes, where there is no limit."""

SLOWEST = 8 << 10
"""Bytes per second at which a message still counts as on its way."""

PATIENCE = 1.75
"""How many intervals of silence an opener takes for the death of the acceptor, which is heard twice an interval."""

SHORTEST_GRANTED = 0.001
"""Seconds. Ours grant what was asked for or longer, but others may grant anything, and 0 would mean no time at all."""

_INSTANCE = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Terms:
    """What one end of a stream is ready to agree to.

    Attributes:
        extensions: Those of `EXTENSIONS` that it knows.
        max_send: The largest message in bytes that it sends.
        max_receive: The largest message in bytes that it takes; None if that need not be said.
        heartbeat: Seconds for which it is willing to hear nothing.
        shortest_heartbeat: The same of the other end, at least.
        takes: The largest message in bytes that it takes, be it said or not.
    """

    extensions: Pairs
    max_send: int
    max_receive: int | None
    heartbeat: float
    shortest_heartbeat: float
    takes: int = NO_LIMIT

    def offer(self) -> Pairs:
        """What an opener says of it."""
        return (*self.extensions, *self._limit(), (HEARTBEAT_KEY, _milliseconds(self.heartbeat)))

    def answer(self, offered: Pairs) -> Pairs:
        """What an acceptor confirms of an offer: empty if there is nothing, or nothing that it knows."""
        confirmed = tuple(pair for pair in self.extensions if _has(offered, pair[0]))
        granted = _seconds(offered, HEARTBEAT_KEY, self.shortest_heartbeat)
        if granted is not None:
            wanted = (HEARTBEAT_WANTED_KEY, _milliseconds(self.heartbeat))
            confirmed = (*confirmed, (HEARTBEAT_KEY, _milliseconds(granted)), wanted)
        return (*confirmed, *self._limit()) if confirmed else ()

    def accepted(self, offered: Pairs, answer: Pairs) -> Agreement:
        """What holds for an acceptor that was offered something and has given its `answer`."""
        granted = _seconds(offered, HEARTBEAT_KEY, self.shortest_heartbeat)
        return self._agreement(answer, offered, granted)

    def opened(self, answer: Pairs) -> Agreement:
        """What holds for an opener that got an `answer`."""
        return self._agreement(answer, answer, _seconds(answer, HEARTBEAT_KEY, SHORTEST_GRANTED))

    def _agreement(self, answer: Pairs, other_end: Pairs, granted: float | None) -> Agreement:
        largest = _largest_message(other_end)
        return Agreement(
            batching=_has(answer, BATCH_KEY),
            stream_end=_has(answer, STREAM_END_KEY),
            cancel=_has(answer, CANCEL_KEY),
            drain=_has(answer, DRAIN_KEY),
            heartbeat=granted,
            heartbeat_wanted=_seconds(answer, HEARTBEAT_WANTED_KEY, self.shortest_heartbeat),
            largest=largest,
            envelope_limit=min(MAX_ENVELOPE, self.max_send, largest),
        )

    def limit(self) -> Pairs:
        """What either end of a session says besides: a message that is refused for its size would come again."""
        return () if self._limit() or self.takes == NO_LIMIT else ((MAX_MESSAGE_KEY, str(self.takes)),)

    def _limit(self) -> Pairs:
        return () if self.max_receive is None else ((MAX_MESSAGE_KEY, str(self.max_receive)),)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What holds on a stream, as one of its ends sees it.

    Attributes:
        batching: Whether there may be envelopes.
        stream_end: Whether the end of a streaming call's replies is told.
        cancel: Whether it is told that a call was given up.
        drain: Whether an acceptor that is about to stop says so, and waits until the opener has sent its last call.
        heartbeat: Seconds for which the acceptor is never silent; None if it may be.
        heartbeat_wanted: The same of the opener.
        largest: The largest message in bytes that the other end takes.
        envelope_limit: The bytes under which an envelope to the other end stays.
    """

    batching: bool
    stream_end: bool
    cancel: bool
    drain: bool
    heartbeat: float | None
    heartbeat_wanted: float | None
    largest: int
    envelope_limit: int

    @property
    def unannounced(self) -> int:
        """The bytes that an acceptor may send in one piece without having announced them."""
        if self.heartbeat is None:
            return NO_LIMIT
        # They were due after half an interval.
        return min(int((PATIENCE - 0.5) * self.heartbeat * SLOWEST), MAX_ENVELOPE)


def claimed_node_id(metadata: Iterable[tuple[str, str | bytes]]) -> int | None:
    """The node ID that an opener claims: None without a claim, 0 for a client that serves calls.

    As in Gorums the first value counts, and one that is no node ID counts as 0.
    """
    for key, value in metadata:
        if key == NODE_ID_KEY and isinstance(value, str):
            if not (value.isascii() and value.isdigit()):
                return 0
            digits = value.lstrip("0") or "0"
            # Python refuses to look at very long numbers.
            return int(digits) if len(digits) <= 10 and int(digits) <= MAX_NODE_ID else 0
    return None


def instance_of(metadata: Iterable[tuple[str, str | bytes]]) -> str | None:
    """What tells the streams of one opener from those of all others; None if it does not say, or what cannot be one."""
    for key, value in metadata:
        if key == INSTANCE_KEY and isinstance(value, str):
            return value if _INSTANCE.fullmatch(value) else None
    return None


def _has(metadata: Pairs, key: str) -> bool:
    return any(name == key and value == "1" for name, value in metadata)


def _largest_message(metadata: Pairs) -> int:
    for key, value in metadata:
        if key == MAX_MESSAGE_KEY and isinstance(value, str) and value.isascii() and value.isdigit():
            return int(value[:12])
    return NO_LIMIT


def _seconds(metadata: Pairs, key: str, shortest: float) -> float | None:
    for name, value in metadata:
        if name == key and isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
            return max(int(value) / 1000, shortest)
    return None


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
