"""The Paxos example: ``python -m examples.paxos --help``."""

import argparse
import asyncio
import sys
from pathlib import Path

import pygorums as gorums
from examples.paxos.acceptor import Acceptor, PromiseFile
from examples.paxos.proposer import Proposer
from pygorums import quorums


async def serve(address: str, file: Path) -> None:
    """Be an acceptor until a signal comes."""
    server = gorums.Server(Acceptor(PromiseFile(file)))
    await gorums.serve(server, address, on_start=lambda at: print(f"an acceptor is on {at}", flush=True))


async def propose(addresses: list[str], value: str, accepting: int | None) -> str:
    """Propose; what is decided."""
    async with gorums.connect(addresses) as config:
        writes = accepting or config.majority
        system = quorums.threshold(config, reads=len(config) + 1 - writes, writes=writes)
        return await asyncio.wait_for(Proposer(config, system).propose(value), 10)


def main() -> int:
    """Be an acceptor, or propose."""
    parser = argparse.ArgumentParser(prog="python -m examples.paxos", description="Agree on one value.")
    parser.add_argument("--serve", metavar="HOST:PORT", help="be an acceptor; needs --data")
    parser.add_argument("--data", type=Path, metavar="FILE", help="where the acceptor keeps its promise")
    parser.add_argument("--acceptors", metavar="HOST:PORT,…", help="whom to ask")
    parser.add_argument("--accepting", type=int, metavar="N", help="how many have to accept (default: a majority)")
    parser.add_argument("value", nargs="?", help="what to propose")
    given = parser.parse_args()
    try:
        if given.serve:
            if given.data is None:
                parser.error("--serve needs --data")
            asyncio.run(serve(given.serve, given.data))
        elif given.acceptors and given.value:
            print(asyncio.run(propose(given.acceptors.split(","), given.value, given.accepting)))
        else:
            parser.error("--serve is needed, or --acceptors and a value")
    except TimeoutError:
        print("python -m examples.paxos: nothing was decided within 10 s: too few acceptors answer", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except (OSError, ValueError, gorums.GorumsError) as error:
        print(f"python -m examples.paxos: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
