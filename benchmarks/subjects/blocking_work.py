"""What a blocking client is told to do, and what it answers, as lines of JSON."""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from benchmarks.loads.outcome import Outcome
from benchmarks.statistics.latency import Latency

__all__ = ["CONNECT_LIMIT", "Answer", "BlockingKind", "BlockingWork", "Setup", "Task"]

CONNECT_LIMIT = 10.0
"""Seconds until all servers must be connected."""


class BlockingKind(StrEnum):
    """The loads of a blocking client."""

    QUORUM_CALL = "quorum call"
    """Threads that make quorum calls of the facade."""

    ASYNC_QUORUM_CALL = "async quorum call"
    """Quorum calls of the facade that one thread keeps in flight by futures."""

    FAN_OUT = "fan-out"
    """Threads that use baseline C."""


@dataclass(frozen=True, slots=True)
class Setup:
    """Whom a blocking client calls.

    Attributes:
        addresses: Where the servers listen.
        baselines: Where they serve baseline C; empty if they do not.
        send_buffer: How many bytes may wait for a node.
        transport: What the facade stands on.
    """

    addresses: tuple[str, ...]
    baselines: tuple[str, ...]
    send_buffer: int
    transport: str

    def encoded(self) -> str:
        """For the command line."""
        return json.dumps(asdict(self))

    @classmethod
    def decoded(cls, text: str) -> "Setup":
        """What `encoded` gave."""
        fields = json.loads(text)
        addresses, baselines = tuple(fields["addresses"]), tuple(fields["baselines"])
        return cls(addresses, baselines, fields["send_buffer"], fields["transport"])


@dataclass(frozen=True, slots=True)
class BlockingWork:
    """A load.

    Attributes:
        kind: Which.
        in_flight: How many threads, or calls in flight.
        quorum: How many replies a call needs.
        payload: Bytes of payload in each request and reply.
    """

    kind: BlockingKind
    in_flight: int
    quorum: int
    payload: int


@dataclass(frozen=True, slots=True)
class Task:
    """Put on a load for so many seconds."""

    work: BlockingWork
    seconds: float

    def encoded(self) -> bytes:
        """A line."""
        return _line(asdict(self))

    @classmethod
    def decoded(cls, line: bytes) -> "Task":
        """What `encoded` gave."""
        fields = json.loads(line)
        work = fields["work"]
        return cls(BlockingWork(**{**work, "kind": BlockingKind(work["kind"])}), fields["seconds"])


@dataclass(frozen=True, slots=True)
class Answer:
    """What has come of it.

    Attributes:
        outcome: What the load has achieved; None if nothing was to be done but to get ready.
        error: Why it has failed; empty if it has not.
    """

    outcome: Outcome | None = None
    error: str = ""

    def encoded(self) -> bytes:
        """A line."""
        return _line(asdict(self))

    @classmethod
    def decoded(cls, line: bytes) -> "Answer":
        """What `encoded` gave."""
        fields = json.loads(line)
        outcome = fields["outcome"]
        if outcome is None:
            return cls(None, fields["error"])
        latency = outcome["latency"]
        known = {**outcome, "latency": None if latency is None else Latency(**latency)}
        return cls(Outcome(**known), fields["error"])


def _line(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode() + b"\n"
