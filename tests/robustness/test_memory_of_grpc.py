"""What gRPC's core still writes into when an event loop ends: its own memory, and nobody else's."""

import pytest

from tests.support.program import Program

# While gRPC waits for a stream, its core has the address of a block of 240 bytes. What a worker makes as soon as that
# may be free is of the same size.
WATCH = """
changed = []

def full_blocks():
    return [b"\\xff" * size for size in range(150, 240) for _ in range(10)]

def look(blocks):
    changed.extend((len(block), block.hex()) for block in blocks if block.strip(b"\\xff"))
"""

CANCELLED = """
async def worker():
    try:
        await asyncio.sleep(600)
    finally:
        for _ in range(2):
            blocks = full_blocks()
            await asyncio.sleep(0)
            await asyncio.sleep(0.01)
            look(blocks)

async def main():
    for n in range(10):
        await gorums.Server(ScriptedCalls(n)).start("127.0.0.1:0")
    workers = [asyncio.create_task(worker()) for _ in range(20)]
    await asyncio.sleep(0)
    {end}

{run}
print(changed)
"""

ENDS = {
    "main returns": ("return", "asyncio.run(main())"),
    "all tasks are cancelled, and the loop goes on": (
        """
    me = asyncio.current_task()
    for task in asyncio.all_tasks() - {me}:
        task.cancel()
    await asyncio.wait(workers)""",
        "asyncio.run(main())",
    ),
}


@pytest.mark.parametrize("how", ENDS)
async def test_all_tasks_are_cancelled_while_servers_wait_for_streams(how: str) -> None:
    end, run = ENDS[how]
    async with Program(WATCH + CANCELLED.format(end=end, run=run)) as program:
        status, output = await program.ended()
    assert (status, output.strip(), program.errors) == (0, "[]", "")
