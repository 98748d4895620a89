"""The Raft example beside pysyncobj: ``python -m benchmarks.raft`` (needs ``pip install pysyncobj==0.3.17``).

Both have three processes on this machine whose logs are on one disk, and store values of 64 bytes under a key for each
client; a write counts once it is committed. Clients of pysyncobj are callbacks within the process of its leader, which
spares it a hop: it has no protocol for clients. Those of Raft are tasks of this process.

With ``--kills N`` the leader is killed N times under the load of 50 clients: how long nobody could write, and whether
anything that was acknowledged is gone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from google.protobuf.empty_pb2 import Empty

import pygorums as gorums
from examples.raft.client import Client
from examples.raft.cluster import Cluster
from examples.raft.raft_gorums import status

__all__ = ["main"]

VALUE = "v" * 64
ELECTION_TIMEOUT = 0.6
"""Seconds: the longest that a member of the example waits for a leader."""


def main() -> int:
    """Measure, and show a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.raft", description=__doc__.split("\n\n")[0])
    parser.add_argument("--clients", default="1,50,500", help="numbers of clients (%(default)s)")
    parser.add_argument("--seconds", type=float, default=3.0, help="for each of them (%(default)s)")
    parser.add_argument("--kills", type=int, default=0, help="how many times to kill a leader (%(default)s)")
    parser.add_argument("--pysyncobj-node", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.pysyncobj_node:
        _pysyncobj_node(*given.pysyncobj_node)
        return 0
    clients = [int(each) for each in given.clients.split(",")]
    print(f"{'clients':>8} {'':10} {'writes/s':>9} {'p50 ms':>8}")
    for count in clients:
        with tempfile.TemporaryDirectory(prefix="raft-") as folder, Cluster(Path(folder)) as cluster:
            ours = asyncio.run(_load(cluster, count, given.seconds))
        _show(count, "pygorums", ours)
        theirs = _pysyncobj(count, given.seconds)
        if theirs is None:
            print(f"{count:8} pysyncobj is not installed: pip install pysyncobj==0.3.17")
            continue
        _show(count, "pysyncobj", theirs)
        print(f"{count:8} {'ratio':10} {ours[0] / theirs[0]:9.2f} {ours[1] / theirs[1]:8.2f}")
    if given.kills:
        with tempfile.TemporaryDirectory(prefix="raft-") as folder, Cluster(Path(folder)) as cluster:
            asyncio.run(_kill_leaders(cluster, given.kills))
    return 0


def _show(count: int, name: str, figures: Sequence[float]) -> None:
    print(f"{count:8} {name:10} {figures[0]:9.0f} {figures[1] * 1000:8.2f}", flush=True)


async def _load(cluster: Cluster, count: int, seconds: float) -> tuple[float, float]:
    """Committed writes a second, and the median of how long one takes."""
    taken: list[float] = []
    async with gorums.connect(cluster.addresses) as config:
        clients = [Client(config, patience=10) for _ in range(count)]
        await asyncio.gather(*(client.put("warm", VALUE, timeout=60) for client in clients))
        start = time.perf_counter()
        end = start + seconds

        async def write(client: Client, key: str) -> None:
            while (began := time.perf_counter()) < end:
                await client.put(key, VALUE, timeout=60)
                taken.append(time.perf_counter() - began)

        await asyncio.gather(*(write(client, f"k{number}") for number, client in enumerate(clients)))
        took = time.perf_counter() - start
    return len(taken) / took, statistics.median(taken)


async def _kill_leaders(cluster: Cluster, kills: int) -> None:
    """Show for how long nobody could write, and what was lost."""
    acknowledged = dict.fromkeys(range(50), 0)
    last_at = time.perf_counter()
    enough = False
    pauses: list[float] = []
    async with gorums.connect(cluster.addresses) as config:

        async def write(number: int) -> None:
            nonlocal last_at
            client = Client(config, patience=ELECTION_TIMEOUT, pause=0.02)
            while not enough:
                value = acknowledged[number] + 1
                await client.put(f"k{number}", str(value), timeout=60)
                acknowledged[number] = value
                last_at = time.perf_counter()

        writers = [asyncio.create_task(write(number)) for number in acknowledged]
        for _ in range(kills):
            await asyncio.sleep(0.5)
            leader = await _leader(config)
            cluster.kill(leader)
            killed_at = last_at
            while last_at == killed_at or last_at - killed_at < 0.05:  # noqa: ASYNC110 - to look is all there is
                await asyncio.sleep(0.002)
            pauses.append(last_at - killed_at)
            await asyncio.to_thread(cluster.start, leader)
        enough = True
        await asyncio.gather(*writers)
        client = Client(config)
        found = {number: int(await client.get(f"k{number}") or 0) for number in acknowledged}
    lost = sum(found[number] < value for number, value in acknowledged.items())
    print(f"{kills} leaders killed: {sum(acknowledged.values())} writes acknowledged, {lost} keys have lost one")
    late = sum(pause > 2 * ELECTION_TIMEOUT for pause in pauses)
    median, longest = statistics.median(pauses), max(pauses)
    print(
        f"nobody could write for {median:.2f} s (median), {longest:.2f} s (longest); {late} beyond 2 election timeouts"
    )


async def _leader(config: gorums.Configuration) -> int:
    while True:
        states = await status(config, Empty(), timeout=1).ignore_errors().collect_all()
        leaders = [state for state in states.values() if state.role == "leader"]
        if leaders:
            return max(leaders, key=lambda state: state.term).id
        await asyncio.sleep(0.05)


def _pysyncobj(count: int, seconds: float) -> tuple[float, float] | None:
    """The same of pysyncobj; None if it is not installed."""
    try:
        import pysyncobj  # noqa: F401 - whether it is there
    except ImportError:
        return None
    with tempfile.TemporaryDirectory(prefix="pysyncobj-") as folder:
        addresses = [f"127.0.0.1:{address.rpartition(':')[2]}" for address in Cluster(Path(folder)).addresses.values()]
        nodes = []
        for own in addresses:
            others = [address for address in addresses if address != own]
            command = [sys.executable, "-m", "benchmarks.raft", "--pysyncobj-node", folder, str(count), str(seconds)]
            nodes.append(subprocess.Popen([*command, own, *others], stdout=subprocess.PIPE, text=True))
        try:
            for node in nodes:
                assert node.stdout is not None
            lines = _first_line(nodes, seconds + 60)
            writes, median = json.loads(lines)
            return float(writes), float(median)
        finally:
            for node in nodes:
                node.kill()
                node.communicate()


def _first_line(nodes: Sequence[subprocess.Popen[str]], limit: float) -> str:
    """What the first of the processes says: it was the leader.

    Raises:
        TimeoutError: None has said anything.
    """
    said: list[str] = []
    anything = threading.Event()

    def read(node: subprocess.Popen[str]) -> None:
        assert node.stdout is not None
        if line := node.stdout.readline():
            said.append(line)
            anything.set()

    for node in nodes:
        threading.Thread(target=read, args=(node,), daemon=True).start()
    if not anything.wait(limit):
        raise TimeoutError("no node of pysyncobj has finished")
    return said[0]


def _pysyncobj_node(folder: str, count: str, seconds: str, own: str, *others: str) -> None:
    """Be a node; the leader has the clients, and says what came of them."""
    from pysyncobj import SyncObj, SyncObjConf
    from pysyncobj.batteries import ReplDict

    store = ReplDict()
    journal = str(Path(folder, own.rpartition(":")[2]))
    conf = SyncObjConf(journalFile=journal, flushJournal=True, commandsQueueSize=1_000_000)
    node = SyncObj(own, list(others), consumers=[store], conf=conf)
    while not node.isReady() or node._getLeader() is None:
        time.sleep(0.05)
    if str(node._getLeader()) == own:
        time.sleep(1)
        taken: list[float] = []
        done = threading.Semaphore(0)
        start = time.perf_counter()
        end = start + float(seconds)

        def write(key: str) -> None:
            began = time.perf_counter()
            if began >= end:
                done.release()
                return

            def committed(result: object, error: object) -> None:  # noqa: ARG001 - as it is called
                if not error:
                    taken.append(time.perf_counter() - began)
                write(key)

            store.set(key, VALUE, callback=committed)

        for number in range(int(count)):
            write(f"k{number}")
        for _ in range(int(count)):
            done.acquire()
        print(json.dumps([len(taken) / (time.perf_counter() - start), statistics.median(taken)]), flush=True)
    while True:
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
