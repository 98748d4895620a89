"""The broadcast example: ``python -m examples.bracha --help``."""

import argparse
import asyncio
import sys

import pygorums as gorums
from examples.bracha.member import Member


def show(sender: int, number: int, content: bytes) -> None:
    """Show a message that was delivered."""
    print(f"{sender}.{number}: {content.decode(errors='replace')}", flush=True)


async def take_part(node_id: int, addresses: list[str]) -> None:
    """Be a member, and broadcast each line of the standard input, until that ends or a signal comes."""
    member = Member(show)
    peers = dict(enumerate(addresses, 1))
    async with gorums.System(peers[node_id], member, node_id=node_id, peers=peers) as system:
        serving = asyncio.create_task(gorums.serve(system))
        loop = asyncio.get_running_loop()
        print(f"member {node_id} is on {system.address}", flush=True)
        lines = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while not serving.done():
            line = asyncio.create_task(lines.readline())
            await asyncio.wait({serving, line}, return_when=asyncio.FIRST_COMPLETED)
            if not line.done():
                line.cancel()
            elif text := line.result():
                await member.broadcast(text.rstrip(b"\n"))
            else:
                break
        await system.stop(grace=1)
        await serving


def main() -> int:
    """Be a member."""
    parser = argparse.ArgumentParser(prog="python -m examples.bracha", description="Reliable broadcast of lines.")
    parser.add_argument("--member", type=int, required=True, metavar="N", help="which of the addresses is ours, from 1")
    parser.add_argument("addresses", nargs="+", metavar="HOST:PORT", help="all members")
    given = parser.parse_args()
    if not 1 <= given.member <= len(given.addresses):
        parser.error(f"--member is from 1 to {len(given.addresses)}")
    try:
        asyncio.run(take_part(given.member, given.addresses))
    except (OSError, gorums.GorumsError) as error:
        print(f"python -m examples.bracha: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
