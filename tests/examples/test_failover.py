"""A client of three server processes, one of which is killed and comes back."""

import asyncio
import signal

import pytest

import pygorums as gorums
from examples.storage.moments import now
from examples.storage.quorum import read_newest, written_by_majority
from examples.storage.storage_gorums import read_qc, read_rpc, write_qc
from examples.storage.storage_pb2 import ReadRequest, WriteRequest
from tests.examples.programs import StorageServer
from tests.support.waiting import until, within

# Seconds. A call that takes them counts as one that hangs.
CALL_LIMIT = 5.0


class Writer:
    """Writes numbers to a key, one quorum call after the other, until told to stop.

    Attributes:
        written: how many writes have succeeded; each must.
    """

    def __init__(self, config: gorums.Configuration) -> None:
        self.written = 0
        self._config = config
        self._stopping = False
        self._task = asyncio.create_task(self._run())

    async def write_more(self, count: int) -> None:
        """Waits until `count` more writes have succeeded."""
        goal = self.written + count
        await until(lambda: self.written >= goal or self._task.done(), f"{count} more writes")
        if self._task.done():
            await self._task

    async def stop(self) -> None:
        """Ends after the write under way; raises what a write raised."""
        self._stopping = True
        await within(self._task)

    async def _run(self) -> None:
        while not self._stopping:
            request = WriteRequest(key="number", value=str(self.written + 1), time=now())
            assert await written_by_majority(write_qc(self._config, request, timeout=CALL_LIMIT))
            self.written += 1


@pytest.mark.parametrize("victim", [0, 2])
async def test_a_node_is_killed_and_comes_back_while_a_client_writes(victim: int) -> None:
    async with StorageServer() as one, StorageServer() as two, StorageServer() as three:
        servers = [one, two, three]
        async with gorums.connect([server.address for server in servers]) as config:
            await within(config.wait_connected())
            writer = Writer(config)
            await writer.write_more(50)

            status, _, _ = await servers[victim].end(signal.SIGKILL)
            assert status == -signal.SIGKILL
            await writer.write_more(50)
            await until(lambda: not config[victim].connected, "the node is seen to be down")
            with pytest.raises(gorums.StatusError, match="UNAVAILABLE"):
                await within(read_rpc(config[victim], ReadRequest(key="number"), timeout=CALL_LIMIT))

            address = config[victim].address
            async with StorageServer(address) as restarted:
                assert restarted.address == address
                await within(config.wait_connected())
                await writer.write_more(50)
                await writer.stop()

                # It has forgotten everything, so what it has was written after it came back.
                reply = await within(read_rpc(config[victim], ReadRequest(key="number"), timeout=CALL_LIMIT))
                newest = await read_newest(read_qc(config, ReadRequest(key="number"), timeout=CALL_LIMIT))
                assert reply == newest
                assert newest.value == str(writer.written)
