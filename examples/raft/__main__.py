"""The Raft example: ``python -m examples.raft --help``."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from examples.raft.cluster import Cluster
from examples.raft.prompt import Prompt
from examples.raft.serve import serve


def _address(text: str) -> tuple[int, str]:
    number, _, address = text.partition("=")
    if not number.isdecimal() or not address:
        raise argparse.ArgumentTypeError(f"not ID=HOST:PORT: {text!r}")
    return int(number), address


def _addresses(text: str) -> dict[int, str]:
    return dict(_address(each) for each in text.split(",") if each)


def main() -> int:
    """Run three members and a prompt, or one member."""
    parser = argparse.ArgumentParser(prog="python -m examples.raft", description="A key-value store on Raft.")
    parser.add_argument("--data", type=Path, metavar="DIR", help="where to keep the logs; by default nowhere for long")
    parser.add_argument("--serve", type=_address, metavar="ID=HOST:PORT", help="be one member; needs --data")
    parser.add_argument(
        "--members",
        type=_addresses,
        default={},
        metavar="ID=HOST:PORT,…",
        help="all members of a new cluster, for --serve; without, this one joins when it is added",
    )
    given = parser.parse_args()
    if given.serve is None:
        with tempfile.TemporaryDirectory(prefix="raft-") as folder, Cluster(given.data or Path(folder)) as cluster:
            Prompt(cluster).run()
        return 0
    if given.data is None:
        parser.error("--serve needs --data")
    try:
        node_id, address = given.serve
        asyncio.run(serve(node_id, address, given.members, given.data))
    except OSError as error:
        print(f"python -m examples.raft: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
