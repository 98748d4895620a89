"""Servers that run until a signal: what was received is answered, the program ends with 0, and says nothing."""

import signal
from typing import Any

import pytest

import pygorums as gorums
import pygorums.sync
from tests.protos.calls_gorums import echo, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import connected
from tests.support.program import Program
from tests.support.waiting import until, within

# Handlers that last until the standard input says so, so that a test can have them outlive a signal.
CALLS = """
import threading

def tell(address):
    print(address, flush=True)

class Calls(ScriptedCalls):
    async def echo(self, ctx, request):
        print("handling", flush=True)
        await asyncio.sleep(float(request.text))
        return Text(text="answered")

    def spread(self, ctx, request):
        print("blocking", flush=True)
        threading.Event().wait()

class Plain(Calls):
    def echo(self, ctx, request):
        print("handling", flush=True)
        threading.Event().wait(float(request.text))
        return Text(text="answered")
"""

WAYS = {
    "server": 'gorums.run(gorums.Server(Calls()), "127.0.0.1:0", grace=60, on_start=tell)',
    "server with an address": 'gorums.run(gorums.Server(Calls(), address="127.0.0.1:0"), grace=60, on_start=tell)',
    "system": """
system = gorums.System("127.0.0.1:0", Calls(), node_id=1, peers=["127.0.0.1:1"])
gorums.run(system, grace=60, on_start=tell)
""",
    "within a loop": """
async def main():
    await gorums.serve(gorums.Server(Calls()), "127.0.0.1:0", 60, tell)

asyncio.run(main())
""",
    "started before": """
async def main():
    async with gorums.Server(Calls(), address="127.0.0.1:0") as server:
        await gorums.serve(server, grace=60, on_start=tell)

asyncio.run(main())
""",
    "blocking server": 'gorums.sync.run(gorums.sync.Server(Plain()), "127.0.0.1:0", grace=60, on_start=tell)',
    "blocking system": """
system = gorums.sync.System("127.0.0.1:0", Plain(), node_id=1, peers=["127.0.0.1:1"])
gorums.sync.run(system, grace=60, on_start=tell)
""",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
async def test_what_was_received_is_answered(way: str, number: signal.Signals) -> None:
    async with Program(CALLS + WAYS[way] + '\nprint("after")\n') as program:
        async with connected([await program.line()]) as config:
            call = echo(config[0], Text(text="0.2"))
            assert await program.line() == "handling"
            program.signal(number)
            assert (await within(call)).text == "answered"
        status, output = await program.ended()
    assert (status, output.split(), program.errors) == (0, ["after"], "")


@pytest.mark.parametrize("way", ["server", "system", "blocking server"])
async def test_a_second_signal_ends_at_once(way: str) -> None:
    async with Program(CALLS + WAYS[way] + '\nprint("after")\n') as program:
        async with connected([await program.line()]) as config:
            call = echo(config[0], Text(text="600"))
            assert await program.line() == "handling"
            program.signal(signal.SIGTERM)
            # It takes no more requests now, so there is a way to see that the first signal has come.
            other = gorums.connect([config[0].address], backoff=gorums.Backoff(initial=0.01, maximum=0.01))
            await until(lambda: other[0].last_error is not None)
            await other.close()
            assert not call.done()
            program.signal(signal.SIGINT)
            with pytest.raises(gorums.StatusError):
                await within(call)
        status, output = await program.ended()
    assert (status, output.split(), program.errors) == (0, ["after"], "")


@pytest.mark.parametrize("way", ["server", "blocking server"])
async def test_a_handler_that_blocks_its_thread_does_not_keep_it(way: str) -> None:
    source = WAYS[way].replace("grace=60", "grace=0.05")
    async with Program(CALLS + source) as program, connected([await program.line()]) as config:
        await within(spread(config, Text()))
        assert await program.line() == "blocking"
        program.signal(signal.SIGINT)
        status, output = await program.ended()
    assert (status, output, program.errors) == (0, "", "")


OTHER_ENDS = """
async def stopping():
    server = gorums.Server(Calls())
    await gorums.serve(server, "127.0.0.1:0", on_start=lambda _: asyncio.ensure_future(server.stop()))

async def cancelled():
    server = gorums.Server(Calls())
    serving = asyncio.create_task(gorums.serve(server, "127.0.0.1:0"))
    while not server.was_started:
        await asyncio.sleep(0)
    serving.cancel()
    await asyncio.wait({serving})
    assert serving.cancelled()
    await server.wait()

async def nested():
    gorums.run(gorums.Server(Calls()), "127.0.0.1:0")

before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
asyncio.run(stopping())
asyncio.run(cancelled())
for wrong in (
    lambda: asyncio.run(nested()),
    lambda: gorums.run(gorums.Server(Calls())),
    lambda: gorums.run(gorums.System("127.0.0.1:0", Calls(), node_id=1, peers=["127.0.0.1:1"]), "127.0.0.1:2"),
    lambda: gorums.run(gorums.Server(Calls()), "nonsense"),
    lambda: gorums.sync.run(gorums.sync.Server(Calls())),
):
    try:
        wrong()
    except (RuntimeError, TypeError, gorums.ConfigurationError) as error:
        print(type(error).__name__)
thread = threading.Thread(target=gorums.run, args=(gorums.Server(Calls()), "127.0.0.1:0"), kwargs={"on_start": tell})
thread.daemon = True
thread.start()
signal.signal(signal.SIGINT, signal.SIG_IGN)
asyncio.run(stopping())
assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
signal.signal(signal.SIGINT, before[0])
assert before == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))
"""


STARTING = """
class Waits(Calls):
    async def started(self, system):
        print("begun", flush=True)
        await {wait}

gorums.run(gorums.System("127.0.0.1:0", Waits(), node_id=1, peers=["127.0.0.1:1", "127.0.0.1:2"]), grace=60)
"""

STARTING_BLOCKED = """
class Waits(Plain):
    def started(self, system):
        print("begun", flush=True)
        {wait}

system = gorums.sync.System("127.0.0.1:0", Waits(), node_id=1, peers=["127.0.0.1:1", "127.0.0.1:2"])
gorums.sync.run(system, grace=60)
"""


@pytest.mark.parametrize(
    "source",
    [
        STARTING.format(wait="asyncio.Event().wait()"),
        STARTING.format(wait="system.wait_for_config(lambda config: len(config) == 2)"),
        STARTING_BLOCKED.format(wait="threading.Event().wait()"),
        STARTING_BLOCKED.format(wait="system.wait_for_config(lambda config: len(config) == 2)"),
    ],
    ids=["for ever", "for peers", "blocked for ever", "blocked for peers"],
)
async def test_a_service_that_still_waits_when_its_system_starts(source: str) -> None:
    async with Program(CALLS + source) as program:
        assert await program.line() == "begun"
        program.signal(signal.SIGTERM)
        status, output = await program.ended()
    assert (status, output, program.errors) == (0, "", "")


async def test_other_ends_and_what_cannot_be() -> None:
    async with Program(CALLS + OTHER_ENDS) as program:
        status, output = await program.ended()
    assert status == 0, program.errors
    lines = [line for line in output.split() if ":" not in line]
    assert lines == ["RuntimeError", "TypeError", "ConfigurationError", "ConfigurationError", "TypeError"]


@pytest.mark.parametrize("world", [gorums, gorums.sync], ids=["asyncio", "blocking"])
def test_what_is_no_server_cannot_be_run(world: Any) -> None:
    other = gorums.sync if world is gorums else gorums
    for target, text in [
        (ScriptedCalls(), r"write pygorums.*\.Server\(…\) around it"),
        (world.Server, "not <class"),
        (None, "not None"),
        (other.Server(), "a Server or a System of its own, not <pygorums"),
    ]:
        with pytest.raises(TypeError, match=text):
            world.run(target, "127.0.0.1:0")


def made(world: Any, kind: str) -> Any:
    if kind == "server":
        return world.Server(address="127.0.0.1:0")
    return world.System("127.0.0.1:0", node_id=1, peers=["127.0.0.1:1", "127.0.0.1:2"])


@pytest.mark.parametrize("kind", ["server", "system"])
async def test_what_was_stopped_is_not_served(kind: str) -> None:
    target = made(gorums, kind)
    await within(target.stop())
    with pytest.raises(RuntimeError, match=f"the {kind} was stopped before; make a new one"):
        await within(gorums.serve(target))


@pytest.mark.parametrize("kind", ["server", "system"])
def test_what_was_stopped_is_not_run(kind: str) -> None:
    target = made(gorums.sync, kind)
    target.stop()
    with pytest.raises(RuntimeError, match=f"the {kind} was stopped before; make a new one"):
        gorums.sync.run(target)
