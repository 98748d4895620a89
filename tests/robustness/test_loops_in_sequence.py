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
