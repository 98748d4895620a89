"""A server of `calls.Calls` in a process of its own: `python -m tests.support.server_process`.

Its arguments are ADDRESS NUMBER [MIB [GRACE]]. It holds no more than MIB mebibytes for its clients, and stops with a
grace of GRACE seconds.

Prints `listening ADDRESS` when it serves, and runs until it is told to end (SIGTERM) or its standard
input is closed, so that it cannot outlive the test that started it.
"""

import asyncio
import signal
import sys

import pygorums as gorums
from tests.support.calls import ScriptedCalls


async def _serve(address: str, number: int, mebibytes: int = 1024, grace: int = 0) -> None:
    loop = asyncio.get_running_loop()
    server = gorums.Server(ScriptedCalls(number), options=[("pygorums.max_held_bytes", mebibytes << 20)])
    print("listening", await server.start(address), flush=True)
    end = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, end.set)
    loop.add_reader(sys.stdin.fileno(), end.set)
    await end.wait()
    loop.remove_reader(sys.stdin.fileno())
    await server.stop(grace)


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], *map(int, sys.argv[2:])))
