"""What cases need to be measured: kinds of calls and baselines, by how many callers, at how many nodes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto

from benchmarks.loads.outcome import Load
from benchmarks.measuring.alternation import Subject
from benchmarks.measuring.options import majority_of
from benchmarks.subjects.asyncio_loads import (
    Cluster,
    async_quorum_call_load,
    correctable_load,
    multicast_load,
    quorum_call_load,
    rpc_load,
)
from benchmarks.subjects.blocking_work import BlockingKind, BlockingWork
from benchmarks.subjects.fan_out import fan_out_load
from benchmarks.subjects.targets import Targets

__all__ = ["Kind", "Need", "subject_of"]


class Kind(Enum):
    """What is measured: pygorums, its blocking facade, or a baseline."""

    QUORUM_CALL = auto()
    ASYNC_QUORUM_CALL = auto()
    CORRECTABLE = auto()
    MULTICAST = auto()
    RPC = auto()
    PLAIN_RPC = auto()
    """To a handler that is no coroutine function."""

    SYNC_QUORUM_CALL = auto()
    SYNC_ASYNC_QUORUM_CALL = auto()

    A = auto()
    B = auto()
    C = auto()
    R = auto()


_OURS: dict[Kind, Callable[[Cluster, int], Load]] = {
    Kind.QUORUM_CALL: quorum_call_load,
    Kind.ASYNC_QUORUM_CALL: async_quorum_call_load,
    Kind.CORRECTABLE: correctable_load,
    Kind.MULTICAST: multicast_load,
    Kind.RPC: rpc_load,
    Kind.PLAIN_RPC: lambda cluster, callers: rpc_load(cluster, callers, plain=True),
}

_BLOCKING = {
    Kind.SYNC_QUORUM_CALL: BlockingKind.QUORUM_CALL,
    Kind.SYNC_ASYNC_QUORUM_CALL: BlockingKind.ASYNC_QUORUM_CALL,
    Kind.C: BlockingKind.FAN_OUT,
}
"""The kinds that run in the blocking client."""


@dataclass(frozen=True, slots=True)
class Need:
    """Something to measure.

    Attributes:
        kind: What.
        in_flight: How many callers, threads, or calls in flight.
        nodes: How many are called; of an RPC's, one is.
        payload: Bytes in requests and replies.
        batching: Whether the two sides agree to send several messages as one.
        client: The transport of the client; empty for that of the program.
        servers: That of the servers; likewise.
    """

    kind: Kind
    in_flight: int = 1
    nodes: int = 3
    payload: int = 0
    batching: bool = True
    client: str = ""
    servers: str = ""

    def on(self, transport: str) -> "Need":
        """The same with a transport where nothing is said of it; of baselines nothing ever is."""
        return replace(self, client=self.client or transport, servers=self.servers or transport)

    @property
    def label(self) -> str:
        """For those who watch the program."""
        notes = [f"{self.in_flight:,} in flight", f"{self.nodes} node{'s' * (self.nodes > 1)}"]
        notes += [f"{self.payload:,} bytes"] if self.payload else []
        notes += [] if self.batching else ["without batching"]
        notes += [f"{self.client} to {self.servers}"] if self.client != self.servers else [self.client]
        return f"{self.kind.name} ({', '.join(notes)})"


async def subject_of(need: Need, targets: Targets) -> Subject:
    """What is measured for a need, with its transports said.

    Args:
        need: The need.
        targets: Servers on its transport, as many as it has nodes at least.
    """
    return Subject(need.label, targets, await _load(need, targets), profiled=need.kind in _OURS)


async def _load(need: Need, targets: Targets) -> Load:
    quorum = majority_of(need.nodes)
    if need.kind in _BLOCKING:
        work = BlockingWork(_BLOCKING[need.kind], need.in_flight, quorum, need.payload)
        return (await targets.blocking()).load(work)
    if need.kind is Kind.A:
        return fan_out_load(targets.channels[: need.nodes], quorum, need.in_flight, need.payload)
    if need.kind is Kind.B:
        return targets.streams(need.nodes).load(quorum, need.in_flight, need.payload)
    if need.kind is Kind.R:
        return (await targets.raw()).load(need.nodes, quorum, need.in_flight, need.payload)
    config = await targets.connected(need.client, batching=need.batching)
    return _OURS[need.kind](targets.cluster(config[: need.nodes], quorum, need.payload), need.in_flight)
