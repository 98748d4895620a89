"""The recordings of Go programs in `recordings/`, in the form that tests want."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pygorums.wire.stream_pb2 import Message

_FOLDER = Path(__file__).parent / "recordings"

# Calls whose handlers call back into the cluster: their replies need peers.
NESTED = {"proto.Storage.ReadNestedQC", "proto.Storage.WriteNestedMulticast"}


@dataclass(frozen=True)
class Sent:
    """One gRPC message of a recorded stream."""

    by_client: bool
    raw: bytes

    @property
    def message(self) -> Message:
        """The message, parsed."""
        return Message.FromString(self.raw)


@dataclass(frozen=True)
class Probe:
    """What a Go server did with a hand-made frame; `closed` names the status that ended the stream."""

    case: str
    sent: bytes
    got: bytes | None
    closed: str | None


def stream(number: int) -> list[Sent]:
    """The messages of a stream of the storage recording, in the order they were seen."""
    return [
        Sent(line["from"] == "client", bytes.fromhex(line["hex"]))
        for line in _lines("storage-go.jsonl")
        if line["stream"] == number and "from" in line
    ]


def opened_with(number: int) -> list[tuple[str, str]]:
    """The metadata that a stream of the storage recording was opened with."""
    (opening,) = [line for line in _lines("storage-go.jsonl") if line["stream"] == number and "metadata" in line]
    return [(key, value) for key, value in opening["metadata"]]


def probes() -> list[Probe]:
    """The hand-made frames and their answers, in order; all were sent over one stream."""
    return [
        Probe(
            line["case"],
            bytes.fromhex(line["sent"]),
            bytes.fromhex(line["got"]) if "got" in line else None,
            line.get("closed"),
        )
        for line in _lines("probes-go.jsonl")
    ]


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (_FOLDER / name).read_text().splitlines()]
