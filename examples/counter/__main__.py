"""The counter example: ``python -m examples.counter --help``."""

import argparse
import asyncio
import random
import sys
import tempfile
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from contextlib import suppress
from pathlib import Path

import pygorums as gorums
from examples.counter.client import add_ones, count_on, value_of
from examples.counter.cuts import Cuts
from examples.counter.server import Counter

IS_ON = "the counter is on "


async def serve(address: str, file: Path) -> None:
    """Be the server until a signal comes."""
    counter = Counter(file)
    try:
        await gorums.serve(gorums.Server(counter), address, on_start=lambda at: print(f"{IS_ON}{at}", flush=True))
    finally:
        counter.close()


async def launch(address: str, file: Path) -> tuple[Process, str]:
    """Start a server as a process of its own; it, and where it is."""
    process = await create_subprocess_exec(
        *(sys.executable, "-m", "examples.counter", "--serve", address, "--data", str(file)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
    )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    if not line.startswith(IS_ON):
        raise OSError(f"the server on {address} did not start")
    return process, line.removeprefix(IS_ON).rstrip()


async def over_cuts(address: str, times: int, session: gorums.Session | None) -> None:
    """Add over connections that are cut all the time, and show what came of it."""
    backoff = gorums.Backoff(initial=0.01, maximum=0.1)
    async with (
        Cuts(address, random.Random(times)) as cuts,
        gorums.connect([cuts.address], session=session, backoff=backoff) as config,
    ):
        before = await value_of(config[0])
        outcomes = await add_ones(config[0], times)
        counted = await value_of(config[0]) - before
    how = "without sessions" if session is None else "with sessions"
    print(f"{how}: {outcomes.added} of {times} added, {cuts.count} connections cut, counted {counted}")


def additions(file: Path) -> int:
    """How many are in the file of a server."""
    return file.read_bytes().count(b"\n")


async def over_a_kill(process: Process, address: str, file: Path, times: int) -> Process:
    """Add while the server is killed and started again, and show what came of it; the new server."""
    backoff = gorums.Backoff(initial=0.01, maximum=0.1)
    async with gorums.connect([address], session=gorums.Session(keep=30), backoff=backoff) as config:
        node = config[0]
        before = await value_of(node)
        adding = asyncio.create_task(add_ones(node, times, at_once=100))
        while additions(file) < before + times // 2:  # noqa: ASYNC110 - it is another process that writes
            await asyncio.sleep(0.0005)
        process.kill()
        await process.wait()
        process, _ = await launch(address, file)
        outcomes = await adding
        counted = await value_of(node) - before
        print(
            f"killed: {outcomes.added} of {times} added, {outcomes.not_added} certainly not, "
            f"{outcomes.unknown} unknown, counted {counted}"
        )
        await count_on(node, times - counted)
        print(f"and those that were missing: counted {await value_of(node) - before}")
    return process


async def demo(times: int) -> None:
    """All of it."""
    with tempfile.TemporaryDirectory(prefix="pygorums-counter-") as folder:
        file = Path(folder) / "additions"
        process, address = await launch("127.0.0.1:0", file)
        try:
            await over_cuts(address, times, None)
            await over_cuts(address, times, gorums.Session(keep=30))
            process = await over_a_kill(process, address, file, times)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def count(address: str, times: int) -> None:
    """Count on at a server, and show its value."""
    async with gorums.connect([address], session=gorums.Session(keep=30)) as config:
        await count_on(config[0], times)
        print(await value_of(config[0]))


def main() -> int:
    """Show all of it, or be a server, or a client."""
    parser = argparse.ArgumentParser(prog="python -m examples.counter", description="A counter, exactly once.")
    parser.add_argument("--serve", metavar="HOST:PORT", help="be the server; needs --data")
    parser.add_argument("--data", type=Path, metavar="FILE", help="where the server keeps what was added")
    parser.add_argument("--server", metavar="HOST:PORT", help="count on there, instead of showing everything")
    parser.add_argument("--times", type=int, default=1000, metavar="N", help="how often to add 1 (default: 1000)")
    given = parser.parse_args()
    if given.serve and given.data is None:
        parser.error("--serve needs --data")
    if given.times < 1:
        parser.error("--times must be 1 or more")
    try:
        if given.serve:
            asyncio.run(serve(given.serve, given.data))
        elif given.server:
            asyncio.run(count(given.server, given.times))
        else:
            asyncio.run(demo(given.times))
    except KeyboardInterrupt:
        return 130
    except (OSError, ValueError, gorums.GorumsError) as error:
        print(f"python -m examples.counter: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
