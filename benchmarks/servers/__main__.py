"""A process of `local`: ``python -m benchmarks.servers COUNT LOOP TRANSPORT PROFILE`` is COUNT servers."""

import signal
import sys

from benchmarks.measuring.profiling import Profiler
from benchmarks.program import run
from benchmarks.servers.serving import serve_until_input_ends

__all__: list[str] = []


def _main(count: str, loop: str, transport: str, profile: str) -> int:
    # Ctrl-C reaches the whole group of processes; whoever started this one says when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    profiler = Profiler(profile or None)

    async def program() -> None:
        with profiler.running():
            await serve_until_input_ends(int(count), transport)

    status = run(program(), uvloop=loop == "uvloop")
    profiler.write()
    return status


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
