"""A system in a process of its own: `python -m tests.behaviour.peers.system_process NODE_ID ADDRESS...`."""

import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence

import pygorums as gorums
from tests.behaviour.peers.nesting import Nesting
from tests.support.cluster import QUICK
from tests.support.process import ServerProcess

__all__ = ["SystemProcess"]


class Counting(Nesting):
    """Nested replies count one each."""

    def __init__(self) -> None:
        super().__init__(1)


class SystemProcess(ServerProcess):
    """Runs this module."""

    def __init__(self, node_id: int, addresses: Mapping[int, str]) -> None:
        super().__init__(node_id, addresses[node_id])
        self._command = ("tests.behaviour.peers.system_process", str(node_id), *addresses.values())

    def command(self) -> Sequence[str]:
        """This module, the node's ID and the addresses of all."""
        return self._command


async def _serve(node_id: int, addresses: Mapping[int, str]) -> None:
    loop = asyncio.get_running_loop()
    system = gorums.System(addresses[node_id], Counting(), node_id=node_id, peers=addresses, backoff=QUICK)
    print("listening", await system.start(), flush=True)
    end = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, end.set)
    loop.add_reader(sys.stdin.fileno(), end.set)
    await end.wait()
    loop.remove_reader(sys.stdin.fileno())
    await system.stop()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), dict(enumerate(sys.argv[2:], start=1))))
