"""However a program ends, it ends: no hang, nothing on the standard error, nothing left open."""

import asyncio
import gc
import os
import signal
from collections import Counter

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, follow, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK, connected, scripted, serving
from tests.support.program import Program
from tests.support.waiting import until, within

# Everything that can be open: three servers, a configuration of them and of a node that is down, calls of all kinds
# that wait for a reply, an iteration, a correctable, a handler in a thread.
EVERYTHING_OPEN = """
import threading

class Calls(ScriptedCalls):
    def spread(self, ctx, request):
        blocking.set()
        threading.Event().wait(0.5)

blocking = threading.Event()
kept = {}

async def open_everything():
    servers = [gorums.Server(Calls(n)) for n in (1, 2, 3)]
    addresses = [await server.start("127.0.0.1:0") for server in servers]
    config = gorums.connect([*addresses, "127.0.0.1:1"])
    await config.wait_connected(3)
    request = Text(text="hold:never", number=2)
    calls = [echo(node, request) for node in config[:3]]
    calls.append(ask(config[:3], request, timeout=600).async_all())
    calls.append(note(config[0], request))
    calls.append(spread(config[:3], request))
    responses = aiter(follow(config, request).results())
    calls.append(asyncio.ensure_future(anext(responses)))
    blocked = gorums.connect(addresses[:1])
    calls.append(spread(blocked, request))
    while not blocking.is_set():
        await asyncio.sleep(0.01)
    kept.update(servers=servers, config=config, blocked=blocked, calls=calls, responses=responses)
    kept.update(correctable=ask(config, request).correctable(3))
"""

ENDINGS = {
    "main returns": """
async def main():
    await open_everything()

asyncio.run(main())
print("ended")
""",
    "main returns and everything is forgotten": """
async def main():
    await open_everything()
    kept.clear()

asyncio.run(main())
print("ended")
""",
    "main fails": """
async def main():
    await open_everything()
    raise ValueError("why")

try:
    asyncio.run(main())
except ValueError:
    print("ended")
""",
    "exit": """
async def main():
    await open_everything()
    print("ended")
    sys.exit(0)

asyncio.run(main())
""",
    "close and stop": """
async def main():
    await open_everything()
    await kept["config"].close()
    await kept["blocked"].close()
    await asyncio.gather(*kept["calls"], return_exceptions=True)
    for server in kept["servers"]:
        await server.stop()

asyncio.run(main())
print("ended")
""",
    "stop with grace": """
async def main():
    await open_everything()
    await asyncio.gather(*(server.stop(0.3) for server in kept["servers"]))
    await kept["config"].close()
    await kept["blocked"].close()
    await asyncio.gather(*kept["calls"], return_exceptions=True)

asyncio.run(main())
print("ended")
""",
    "a loop without asyncio.run": """
loop = asyncio.new_event_loop()
loop.run_until_complete(open_everything())
print("ended", flush=True)
os._exit(0)
""",
}


@pytest.mark.parametrize("how", ENDINGS)
async def test_a_program_ends_with_everything_open(how: str) -> None:
    async with Program(EVERYTHING_OPEN + ENDINGS[how]) as program:
        status, output = await program.ended()
    assert (status, output.strip(), program.errors) == (0, "ended", "")


INTERRUPTED = """
async def main():
    await open_everything()
    print("ready", flush=True)
    await asyncio.sleep(600)

try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("ended")
"""


async def test_ctrl_c() -> None:
    async with Program(EVERYTHING_OPEN + INTERRUPTED) as program:
        while await program.line() != "ready":
            pass
        program.signal(signal.SIGINT)
        status, output = await program.ended()
    assert (status, output.split()) == (0, ["ended"])
    assert program.errors == ""


SERVING = """
async def main():
    async with gorums.Server(ScriptedCalls(1)) as server:
        print(await server.start("127.0.0.1:0"), flush=True)
        await server.wait()

try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("ended")
"""


async def test_ctrl_c_of_a_server_in_a_call() -> None:
    async with Program(SERVING) as program:
        address = await program.line()
        async with gorums.connect([address], backoff=QUICK) as config:
            call = follow(config, Text(text="hold:never", number=1)).correctable(1)
            await config.wait_connected(timeout=10)
            await within(note(config[0], Text()))
            program.signal(signal.SIGINT)
            _, _, error = await within(call.wait())
            assert isinstance(error, gorums.IncompleteError)
            assert address in str(error)
            status, output = await program.ended()
    assert (status, output.split()) == (0, ["ended"])
    assert program.errors == ""


def open_files() -> Counter[str]:
    """What this process has open, by kind: sockets, pipes, files."""
    kinds = []
    for number in os.listdir("/proc/self/fd"):
        try:
            kinds.append(os.readlink(f"/proc/self/fd/{number}").partition(":")[0])
        except FileNotFoundError:  # the one that listed the folder
            continue
    return Counter(kinds)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
async def test_no_file_descriptor_stays_open() -> None:
    async def use_everything() -> None:
        async with scripted(3) as cluster:
            await within(ask(cluster.config, Text(text="x")).all())
            down = gorums.connect([*cluster.addresses, "127.0.0.1:1"], backoff=QUICK)
            await down.wait_connected(3, timeout=10)
            call = echo(down[0], Text(text="silent"))
            await within(cluster.servers[2].stop())
            await within(down.close())
            assert isinstance(call.exception(), gorums.NodeClosedError)
        gc.collect()

    # The first time, things are made that the process keeps, also by a transport that others get to use only later.
    async with serving(ScriptedCalls(), transport="grpc") as address, connected([address], transport="grpc") as config:
        await within(echo(config[0], Text()))
    await use_everything()
    before = open_files()
    for _ in range(2):
        await use_everything()
    await until(lambda: not open_files() - before, f"{open_files() - before} are still open")


async def test_reopening_leaves_no_file_descriptor_open() -> None:
    async with serving(ScriptedCalls()) as address, connected([address]) as config:
        await within(echo(config[0], Text()))
        down = gorums.connect(["127.0.0.1:1"], backoff=gorums.Backoff(initial=0.01, maximum=0.01))
        await until(lambda: down[0].last_error is not None)
        before = sum(open_files().values())
        await asyncio.sleep(0.5)  # some thirty attempts
        assert sum(open_files().values()) <= before + 10
        await within(down.close())


async def test_pending_calls_of_every_kind_fail_with_the_node_closed() -> None:
    async with scripted(3) as cluster:
        config = cluster.config
        calls = [echo(config[0], Text(text="silent")), ask(config, Text(text="silent")).async_all()]
        correctable = follow(config, Text(text="silent", number=1)).correctable(1)
        responses = aiter(ask(config, Text(text="silent")).results())
        waiting = asyncio.ensure_future(anext(responses))
        await cluster.service.has_seen_count(4)
        await within(config.close())
        assert isinstance(calls[0].exception(), gorums.NodeClosedError)
        error = calls[1].exception()
        assert isinstance(error, gorums.IncompleteError)
        assert all(isinstance(e, gorums.NodeClosedError) for e in error.node_errors.values())
        assert isinstance((await within(waiting)).error, gorums.NodeClosedError)
        _, _, final = await within(correctable.wait())
        assert isinstance(final, gorums.IncompleteError)
        assert all(node.pending == 0 for node in config)
