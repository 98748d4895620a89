"""Several event loops one after the other in a process: what one leaves open is no matter of the next."""

import pytest

from tests.support.program import Program

LOOPS = """
kept = []

async def use(close):
    servers = [gorums.Server(ScriptedCalls(n)) for n in (1, 2)]
    addresses = [await server.start("127.0.0.1:0") for server in servers]
    config = gorums.connect([*addresses, "127.0.0.1:1"])
    assert (await asyncio.wait_for(echo(config[0], Text(text="x")), 10)).text == "x"
    calls = [echo(node, Text(text="silent")) for node in config[:2] for _ in range(10)]
    calls.append(follow(config[:2], Text(text="silent", number=3)).correctable(2))
    {keep}
    if close:
        for _ in range(50):
            await asyncio.wait_for(ask(config[:2], Text(text="y")).all(), 10)
        for call in calls:
            call.cancel()
        await config.close()
        for server in servers:
            await server.stop()

for number in range(4):
    asyncio.run(use(close=number == 3))
print("ended")
"""


@pytest.mark.parametrize("keep", ["pass", "kept.append((servers, config, calls))"], ids=["forgotten", "kept"])
async def test_what_is_left_open_does_not_disturb_the_next_loop(keep: str) -> None:
    async with Program(LOOPS.format(keep=keep)) as program:
        status, output = await program.ended()
    assert (status, output.strip(), program.errors) == (0, "ended", "")


LATER = """
async def begin():
    server = gorums.Server(ScriptedCalls(1))
    config = gorums.connect([await server.start("127.0.0.1:0")])
    await config.wait_connected(timeout=10)
    return server, config

async def end(server, config):
    await config.close()
    await server.stop(5)
    await server.wait()

left = asyncio.run(begin())
asyncio.run(end(*left))
print("ended")
"""


async def test_closing_in_the_next_loop_what_the_last_one_left_open() -> None:
    async with Program(LATER) as program:
        status, output = await program.ended()
    assert (status, output.strip(), program.errors) == (0, "ended", "")


CLOSED = """
import gc, threading, warnings
warnings.filterwarnings("ignore", "unclosed", ResourceWarning)  # which is true
kept = []

async def use():
    server = gorums.Server(ScriptedCalls(1))
    config = gorums.connect([await server.start("127.0.0.1:0"), "127.0.0.1:1"])
    assert (await asyncio.wait_for(echo(config[0], Text(text="x")), 10)).text == "x"
    calls = [echo(config[0], Text(text=text)) for text in ("silent", "hold:never", "waits")]
    calls.append(follow(config[:1], Text(text="silent", number=3)).correctable(2))
    calls.append(config.watch(0.1, lambda config: config))
    {keep}

def one():
    loop = asyncio.new_event_loop()
    loop.run_until_complete(use())
    loop.close()

{loops}
gc.collect()
print("ended")
"""
ONE_AFTER_THE_OTHER = """
one()
one()
asyncio.run(use())
"""
IN_THREADS = """
threads = [threading.Thread(target=one) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
one()
"""

NEVER_CLOSED = """
loop = asyncio.new_event_loop()
loop.run_until_complete(use())
"""


@pytest.mark.parametrize("keep", ["pass", "kept.append((server, config, calls))"], ids=["forgotten", "kept"])
@pytest.mark.parametrize(
    ("transport", "loops"),
    [
        ("asyncio", ONE_AFTER_THE_OTHER + IN_THREADS),
        ("asyncio", NEVER_CLOSED),
        ("grpc", ONE_AFTER_THE_OTHER),
    ],
    ids=["one after the other and in threads", "never closed", "grpc"],
)
async def test_loops_that_are_closed_without_cancelling_anything(
    transport: str, loops: str, keep: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYGORUMS_TRANSPORT", transport)
    async with Program(CLOSED.format(keep=keep, loops=loops)) as program:
        status, output = await program.ended()
    assert (status, output.strip(), program.errors) == (0, "ended", "")
