"""``python -m examples.latency``: five replicas of different speed, and reads that only ask the fastest."""

import asyncio
from contextlib import AsyncExitStack

import pygorums as gorums
from examples.interceptors.server import delayed_interceptor
from examples.latency.selection import fastest, quorum_of, read_from_fastest
from examples.storage.quorum import written_by_majority
from examples.storage.server import StorageImpl
from examples.storage.storage_gorums import read_qc, write_qc
from examples.storage.storage_pb2 import ReadRequest, WriteRequest

__all__ = ["main"]

DELAYS = (0.2, 0.0, 0.1, 0.0, 0.0)
"""Seconds by which each replica is slower than it need be."""


async def main() -> None:
    """Measure the replicas, and read from the fastest."""
    async with AsyncExitStack() as stack:
        addresses = []
        for delay in DELAYS:
            server = gorums.Server(StorageImpl(), interceptors=[delayed_interceptor(delay)])
            await stack.enter_async_context(server)
            addresses.append(await server.start("127.0.0.1:0"))
        everybody = await stack.enter_async_context(gorums.connect(addresses))
        # A call that waits for its stream to be opened is measured together with that.
        await everybody.wait_connected(timeout=10)
        request = WriteRequest(key="greeting", value="hello")
        request.time.GetCurrentTime()
        assert await written_by_majority(write_qc(everybody, request, timeout=5))
        # All replicas are measured by this call, also those whose replies come too late for a majority.
        await read_qc(everybody, ReadRequest(key="greeting"), timeout=5).collect_all()
        for node, delay in zip(everybody, DELAYS, strict=True):
            print(f"node {node.id}: {(node.latency or 0) * 1000:5.1f} ms, {delay * 1000:.0f} of them on purpose")
        part = fastest(everybody, quorum_of(everybody))
        reply = await read_from_fastest(everybody, "greeting", timeout=5)
        print(f"greeting = {reply.value}, from nodes {', '.join(str(node_id) for node_id in sorted(part.node_ids))}")


if __name__ == "__main__":
    asyncio.run(main())
