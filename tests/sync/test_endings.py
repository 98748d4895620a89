"""However a program that uses the facade ends, it ends: no hang, and nothing on the standard error."""

import re
import textwrap
import time
from collections import Counter

import pytest

from tests.support.program import Program

PREAMBLE = """
import threading, time
from tests.support.plain_calls import PlainCalls

class Calls(PlainCalls):
    def echo(self, ctx, request):
        if request.text == "for ever":
            blocked.release()
            ctx.release()
            threading.Event().wait()
        return super().echo(ctx, request)

    async def follow(self, ctx, request):
        ctx.release()
        await asyncio.Event().wait()
        yield request

def passing(call, responses):
    yield from responses

blocked = threading.Semaphore(0)
servers = [gorums.sync.Server(Calls(n)) for n in (1, 2)]
config = gorums.sync.connect([*(server.start("127.0.0.1:0") for server in servers), "127.0.0.1:1"])
config.wait_connected(2, timeout=10)
two = config[:2]
assert ask(two, Text(text="x")).all().text == "x"
silent = Text(text="silent", number=1)
"""

OPEN_CALLS = """
futures = [ask(two, silent).async_all(), ask(two, silent, interceptors=[passing]).async_all()]
correctables = [ask(two, silent).correctable(2), follow(two, silent, interceptors=[passing]).correctable(9)]
iteration = iter(ask(two, Text(text="ok silent")))
next(iteration)
intercepted = iter(ask(two, Text(text="ok silent"), interceptors=[passing]))
next(intercepted)
changes = config.watch(3600, lambda config: config)
next(changes)
spread(config, silent, ignore_errors=True)
spread(config, silent, ignore_errors=True, interceptors=[passing])
"""

BLOCKED_THREADS = """
def for_ever():
    echo(two[0], Text(text="for ever"))

def again_and_again():
    while True:
        echo(two[1], Text(text="x"))

waiting = ask(two, silent).async_all()
for target in (for_ever, again_and_again, waiting.result, lambda: list(ask(two, silent)), servers[0].wait):
    threading.Thread(target=target, daemon=True).start()
blocked.acquire()
"""

SYSTEMS = """
manager = gorums.sync.local_systems(3, Calls)
systems = manager.__enter__()
systems[0].wait_for_config(lambda config: len(config) == 3, timeout=10)
system = gorums.sync.System("127.0.0.1:0", Calls(1), node_id=1, peers={1: "127.0.0.1:1"})
system.start()
"""

LATE_USE = """
import atexit

def late():
    try:
        echo(two[0], Text(text="late"))
    except RuntimeError as error:
        assert "the interpreter is exiting" in str(error)
    config.close()
    servers[0].stop()
    print("late")
"""

IS_RIGHT = re.compile(r"^Executing <|one-way messages? .*(may be lost|will not be handled)")
"""What asyncio's debug mode says of a slow machine, and of what was on its way when both ends went away at once."""

ENDINGS = {
    "open calls": (OPEN_CALLS, ""),
    "blocked threads": (BLOCKED_THREADS, ""),
    "systems": (SYSTEMS, ""),
    "everything is forgotten": (OPEN_CALLS + "del config, two, servers, futures, correctables, iteration, changes", ""),
    "everything was closed": ("config.close()\nfor server in servers:\n    server.stop()", ""),
    "all of it, and sys.exit": (OPEN_CALLS + BLOCKED_THREADS + SYSTEMS + "sys.exit()", ""),
}


@pytest.mark.parametrize("what", ENDINGS)
async def test_an_end(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDEVMODE", "1")
    source, output = ENDINGS[what]
    async with Program(PREAMBLE + source + '\nprint("end", flush=True)' * ("exit" not in what)) as program:
        if "exit" not in what:
            assert await program.line() == "end"
        start = time.monotonic()
        assert await program.ended(20) == (0, output)
        assert "exit" in what or time.monotonic() - start < 10
    assert [line for line in program.errors.splitlines() if not IS_RIGHT.search(line)] == []


CLOSED_AT_EXIT = """
from pygorums.nodes.node import Pool

def told(owner, name):
    close = getattr(owner, name)

    async def closed(self, *args):
        print(type(self).__name__)
        await close(self, *args)

    setattr(owner, name, closed)

for owner, name in ((gorums.Server, "stop"), (gorums.System, "stop"), (Pool, "close")):
    told(owner, name)

server = gorums.sync.Server()
forgotten = gorums.sync.Server()
config = gorums.sync.connect([server.start("127.0.0.1:0")])
system = gorums.sync.System("127.0.0.1:0", node_id=1, peers={1: "127.0.0.1:1"})
system.start()
del forgotten
"""


async def test_what_is_open_is_closed_at_the_end() -> None:
    async with Program("import pygorums as gorums, pygorums.sync\n" + CLOSED_AT_EXIT) as program:
        status, output = await program.ended(20)
    assert (status, program.errors) == (0, "")
    closed = Counter(output.split())
    # A system closes its own server and its connections to its peers.
    assert (closed["System"], closed["Server"], closed["OutboundPool"]) == (1, 2, 2)


async def test_use_after_the_end() -> None:
    """In an atexit handler that runs after ours."""
    late = textwrap.dedent(LATE_USE) + "atexit.register(late)\n"
    async with Program(late + PREAMBLE) as program:
        assert await program.ended(20) == (0, "late\n")
    assert program.errors == ""


async def test_a_thread_that_is_no_daemon_may_finish() -> None:
    """The interpreter waits for it before anything is closed."""
    source = """
def work():
    threading.main_thread().join()
    print(ask(two, Text(text="worked")).all().text)

threading.Thread(target=work).start()
"""
    async with Program(PREAMBLE + source) as program:
        assert await program.ended(20) == (0, "worked\n")
    assert program.errors == ""


FORKS = """
import gc, warnings
warnings.filterwarnings("ignore", "This process", DeprecationWarning)  # newer Pythons warn of any fork with threads

def refused(fn):
    try:
        fn()
    except RuntimeError as error:
        assert "fork" in str(error) and "spawn" in str(error), error
    else:
        os._exit(9)

def uses():
    refused(lambda: gorums.sync.connect(["127.0.0.1:1"]))
    refused(lambda: gorums.sync.Server(Calls(1)))
    refused(lambda: echo(two[0], Text()))
    refused(lambda: note(two[0], Text(), ignore_errors=True))
    refused(lambda: ask(two, Text()).majority())
    refused(lambda: next(iteration))
    refused(config.close)

def forgets():
    global config, two, iteration, pending
    pending.cancel()
    del config, two, iteration, pending
    gc.collect()

iteration = iter(ask(two, Text(text="ok silent")))
next(iteration)
pending = ask(two, silent).async_all()
for in_child in (uses, forgets, lambda: None):
    child = os.fork()
    if child == 0:
        in_child()
        sys.exit(0)  # runs all that an exit runs, as the child of a real program might
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, in_child
    assert ask(two, Text(text="x")).all().text == "x"
for server in servers:
    server.stop()
print("parent")
"""


async def test_forks() -> None:
    async with Program(PREAMBLE + FORKS) as program:
        assert await program.ended(20) == (0, "parent\n")
    assert program.errors == ""


async def test_a_fork_before_the_first_use() -> None:
    source = """
child = os.fork()
with gorums.sync.Server(ScriptedCalls(1)) as server, gorums.sync.connect([server.start("127.0.0.1:0")]) as config:
    text = echo(config[0], Text(text="served")).text
    os.write(1, f"{text}\\n".encode())  # at once: both processes write to one pipe
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    async with Program(source) as program:
        status, output = await program.ended(20)
    assert (status, output.split(), program.errors) == (0, ["served", "served"], "")
