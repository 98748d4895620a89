"""The register example: ``python -m examples.register --help``."""

import argparse
import asyncio
import sys
from pathlib import Path

import pygorums as gorums
from examples.register.client import Register
from examples.register.replica import Replica, SqliteFiles
from pygorums import quorums


async def serve(address: str, folder: Path) -> None:
    """Be a replica until a signal comes."""
    files = SqliteFiles(folder)
    try:
        server = gorums.Server(Replica(files))
        await gorums.serve(server, address, on_start=lambda at: print(f"a replica is on {at}", flush=True))
    finally:
        files.close()


async def execute(addresses: list[str], words: list[str]) -> str:
    """Read or write; what to show."""
    async with gorums.connect(addresses) as config:
        register = Register(config, quorums.majority(config))
        match words:
            case ["read", key]:
                found = await register.read(key)
                return "nothing was written" if found is None else found
            case ["write", key, text]:
                await register.write(key, text)
                return "written"
    raise ValueError("the commands are: read KEY, write KEY TEXT")


def main() -> int:
    """Be a replica, or a client of some."""
    parser = argparse.ArgumentParser(prog="python -m examples.register", description="An atomic register.")
    parser.add_argument("--serve", metavar="HOST:PORT", help="be a replica; needs --data")
    parser.add_argument("--data", type=Path, metavar="DIR", help="where the replica keeps its values")
    parser.add_argument("--replicas", metavar="HOST:PORT,…", help="whom to ask")
    parser.add_argument("words", nargs="*", metavar="read KEY | write KEY TEXT")
    given = parser.parse_args()
    try:
        if given.serve:
            if given.data is None:
                parser.error("--serve needs --data")
            asyncio.run(serve(given.serve, given.data))
        elif given.replicas:
            print(asyncio.run(execute(given.replicas.split(","), given.words)))
        else:
            parser.error("one of --serve and --replicas is needed")
    except KeyboardInterrupt:
        return 130
    except (OSError, ValueError, gorums.GorumsError) as error:
        print(f"python -m examples.register: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
