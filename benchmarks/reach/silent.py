"""The case of a node that does not answer: what the calls that do not need it notice of it."""

import asyncio
from dataclasses import dataclass
from statistics import median

import grpc

import pygorums as gorums
from benchmarks.benchmark_gorums import quorum_call
from benchmarks.benchmark_pb2 import Echo
from benchmarks.loads.outcome import Outcome
from benchmarks.loads.tasks import closed_loop
from benchmarks.measuring.options import Options, majority_of
from benchmarks.measuring.usage import resident_bytes
from benchmarks.reach.cases import Figure
from benchmarks.servers.local import LocalServers
from benchmarks.subjects.targets import Targets

__all__ = ["SILENT"]

CALLERS = 50
SEND_BUFFER = 1 << 20
PAYLOAD = 1024

MOST_WAITING = 64 << 20
"""Bytes that a node may have been sent before its queue counts as unbounded: what gRPC and the kernel take for a
process that stands still, and then the send buffer."""

LEAST = 0.95
"""Of the throughput with all nodes; below that it counts as an effect."""


@dataclass(frozen=True, slots=True, eq=False)
class _SilentCase:
    """Quorum calls to three nodes, of which one is frozen every other time."""

    name = "silent-node"
    description = f"{CALLERS} callers while one of three nodes does not answer"
    target = "throughput as with all; its queue bounded"

    async def measure(self, options: Options) -> Figure:
        """Measure in turns with and without the node."""
        ratios, bounded, growth = [], True, 0
        local = LocalServers(3, options.transport, uvloop=options.uvloop)
        async with local, Targets(local.addresses, SEND_BUFFER, options.transport) as targets:
            config = targets.config
            await _load(config, options.warmup or 0.1)
            for _ in range(options.rounds):
                all_answer = await _load(config, options.seconds)
                before = resident_bytes()
                local.freeze(2)
                try:
                    one_silent = await _load(config, options.seconds)
                    bounded &= await _refused(config[2:])
                    growth = max(growth, resident_bytes() - before)
                finally:
                    local.thaw(2)
                await _answered(config)
                ratios.append(one_silent.ops / one_silent.elapsed / (all_answer.ops / all_answer.elapsed))
        ratio = median(ratios)
        queue = "bounded" if bounded else "without bound"
        return Figure(
            f"{ratio:.2f} × that with all; queue {queue}, {growth / 2**20:.0f} MiB more memory",
            ratio >= LEAST and bounded,
            {"ratio": ratio, "growth": growth},
        )


SILENT = _SilentCase()


async def _load(config: gorums.Configuration, seconds: float) -> Outcome:
    request = Echo(payload=bytes(PAYLOAD))
    need = majority_of(len(config))
    return await closed_loop(lambda: quorum_call(config, request).threshold(need), CALLERS, seconds)


async def _refused(silent: gorums.Configuration) -> bool:
    """Whether the node's queue has a bound, so that what does not fit is refused."""
    request = Echo(payload=bytes(PAYLOAD))
    calls: list[asyncio.Future[Echo]] = []
    refused = False
    while not refused and len(calls) * PAYLOAD < MOST_WAITING:
        call = quorum_call(silent, request).async_all()
        calls.append(call)
        if not call.done():
            await asyncio.sleep(0)  # let what was queued be written, as far as that goes
        elif isinstance(error := call.exception(), gorums.IncompleteError):
            refused = error.caused_by(grpc.StatusCode.RESOURCE_EXHAUSTED)
    for call in calls:
        call.cancel()
    return refused


async def _answered(config: gorums.Configuration) -> None:
    """Wait until all nodes answer again, and so have answered all before."""
    async with asyncio.timeout(30):
        while True:
            try:
                await quorum_call(config, Echo()).all()
            except gorums.IncompleteError:
                await asyncio.sleep(0.01)  # the queue is still full
            else:
                return
