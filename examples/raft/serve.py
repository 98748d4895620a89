"""One member in a process of its own."""

import asyncio
import signal
from collections.abc import Mapping
from pathlib import Path

import pygorums as gorums
from examples.raft.disk import SqliteDisk
from examples.raft.member import RaftMember

__all__ = ["serve"]


async def serve(node_id: int, address: str, members: Mapping[int, str], folder: Path) -> None:
    """Be a member until SIGTERM or Ctrl-C; a leader hands on its leadership before it goes.

    Args:
        node_id: The own ID.
        address: Where to listen.
        members: The addresses of all members of a new cluster; none, to join one that is there. What the folder knows
            counts more.
        folder: Where to keep what must not be forgotten.

    Raises:
        OSError: The address cannot be had.
    """
    disk = SqliteDisk(folder, members)
    try:
        member = RaftMember(node_id, disk)
        peers = {**member.raft.members, node_id: address}
        async with gorums.System(address, member, node_id=node_id, peers=peers) as system:
            enough = asyncio.Event()
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, enough.set)
            print(f"member {node_id} is on {system.address}", flush=True)
            await enough.wait()
            await member.stop()
            await system.stop(grace=1)
    finally:
        disk.close()
