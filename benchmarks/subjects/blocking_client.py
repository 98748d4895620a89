"""The client of the blocking benchmarks, in a process of its own."""

import asyncio
import sys
from pathlib import Path

from benchmarks.loads.outcome import Load, Outcome
from benchmarks.program import StartError
from benchmarks.servers.local import START_LIMIT, end_process
from benchmarks.subjects.blocking_work import Answer, BlockingWork, Setup, Task

__all__ = ["BlockingClient"]

_ROOT = Path(__file__).parents[2]


class BlockingClient:
    """A process that puts loads on servers from threads, and tells what they have achieved.

    It is not this process because gRPC wakes every event loop of a process for each of its events. With the facade's
    loop beside ours, each would slow down what is measured of the other, and for good: the facade's never ends.

    Args:
        process: As `start` has started it.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._busy = True  # it connects

    @classmethod
    async def start(cls, setup: Setup) -> "BlockingClient":
        """Start the process and let it connect to servers.

        Args:
            setup: To which.

        Raises:
            StartError: It cannot connect.
        """
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.subjects.blocking_worker", setup.encoded()),
            cwd=_ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        client = cls(process)
        try:
            async with asyncio.timeout(START_LIMIT):
                await client._answer()
            client._busy = False
        except BaseException as error:
            await client.close()
            if isinstance(error, (ConnectionError, TimeoutError)):
                raise StartError(str(error) or f"the blocking client has not started in {START_LIMIT:.0f} s") from None
            raise
        return client

    async def close(self) -> None:
        """End the process; what it does is not waited for."""
        if self._busy and self._process.returncode is None:
            self._process.kill()
        await end_process(self._process)

    def load(self, work: BlockingWork) -> Load:
        """A load that runs there."""

        async def load(seconds: float) -> Outcome:
            assert self._process.stdin is not None
            self._busy = True  # and it stays so if this is cancelled
            self._process.stdin.write(Task(work, seconds).encoded())
            outcome = (await self._answer()).outcome
            assert outcome is not None
            self._busy = False
            return outcome

        return load

    async def _answer(self) -> Answer:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise ConnectionError("the blocking client has ended; what it has said is above")
        answer = Answer.decoded(line)
        if answer.error:
            raise ConnectionError(answer.error)
        return answer
