"""A program that forks: the child neither hangs nor says anything, and the parent does not notice."""

import asyncio
import os
import sys
import textwrap

import pytest

from tests.support.program import START_LIMIT, Program
from tests.support.waiting import within

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

PARENT = """
os.environ["PYGORUMS_TRANSPORT"] = "{transport}"
import gc, time, warnings
warnings.filterwarnings("ignore", "This process", DeprecationWarning)  # newer Pythons warn of any fork with threads

{children}

async def exit_status_of_a_child(do, config, server, address):
    child = os.fork()
    if child == 0:
        asyncio.events._set_running_loop(None)
        do(config, server, address)
        os._exit(0)
    _, status = await asyncio.to_thread(os.waitpid, child, 0)
    return os.waitstatus_to_exitcode(status)

async def main():
    server = gorums.Server(ScriptedCalls(1))
    address = await server.start("127.0.0.1:0")
    async with gorums.connect([address]) as config:
        assert (await echo(config[0], Text(text="before"))).text == "before"
        waiting = echo(config[0], Text(text="silent"))
        for do in all_children:
            for _ in range(4):
                print(await exit_status_of_a_child(do, config, server, address))
        assert (await echo(config[0], Text(text="after"))).text == "after"
        waiting.cancel()
    await server.stop()

asyncio.run(main())
"""

CHILDREN = {
    "leaves at once": "os._exit(0)",
    "lives a while": "time.sleep(0.3)",
    "forgets everything": """
        del config, server
        gc.collect()
        time.sleep(0.1)
    """,
    "runs another program": 'os.execv(sys.executable, [sys.executable, "-c", "pass"])',
    "connects": """
        async def connect():
            gorums.connect([address])

        try:
            asyncio.run(connect())
        except RuntimeError as error:
            assert "spawn" in str(error)
        else:
            os._exit(9)
    """,
    "serves": """
        try:
            asyncio.run(gorums.Server(ScriptedCalls(1)).start("127.0.0.1:0"))
        except RuntimeError as error:
            assert "spawn" in str(error)
        else:
            os._exit(9)
    """,
    "calls": """
        async def call():
            await echo(config[0], Text())

        try:
            asyncio.run(call())
        except RuntimeError as error:
            assert "another event loop" in str(error)
        else:
            os._exit(9)
    """,
}


OVER_ASYNCIO = {
    **CHILDREN,
    "connects": """
        async def call():
            async with gorums.connect([address]) as own:
                assert (await asyncio.wait_for(echo(own[0], Text(text="child")), 10)).text == "child"

        asyncio.run(call())
    """,
    "serves": """
        async def serve():
            async with gorums.Server(ScriptedCalls(2), address="127.0.0.1:0") as own:
                async with gorums.connect([own.address]) as nodes:
                    assert (await asyncio.wait_for(echo(nodes[0], Text(text="child")), 10)).number == 2

        asyncio.run(serve())
    """,
}


@pytest.mark.parametrize(
    ("transport", "children"), [("grpc", CHILDREN), ("asyncio", OVER_ASYNCIO)], ids=["grpc", "asyncio"]
)
async def test_forks_after_connecting(transport: str, children: dict[str, str]) -> None:
    """One parent has all of these children, four of each."""
    functions = [
        f"def {what.replace(' ', '_')}(config, server, address):\n"
        + textwrap.indent(textwrap.dedent(source).strip(), "    ")
        for what, source in children.items()
    ]
    functions.append(f"all_children = [{', '.join(what.replace(' ', '_') for what in children)}]")
    async with Program(PARENT.format(children="\n\n".join(functions), transport=transport)) as program:
        status, output = await program.ended()
    assert (status, output.split(), program.errors) == (0, ["0"] * 4 * len(children), "")


FORK_FIRST = """
async def main():
    async with gorums.Server(ScriptedCalls(1)) as server, gorums.connect([await server.start("127.0.0.1:0")]) as config:
        reply = await asyncio.wait_for(echo(config[0], Text(text="served")), 10)
        os.write(1, reply.text.encode() + b"\\n")  # as one piece: the other process writes there too

child = os.fork()
asyncio.run(main())
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


async def test_a_fork_before_connecting_leaves_both_able_to() -> None:
    async with Program(FORK_FIRST) as program:
        status, output = await program.ended()
    assert (status, output.split(), program.errors) == (0, ["served", "served"], "")


UNDER_LOAD = """
import time, warnings
warnings.filterwarnings("ignore", "This process", DeprecationWarning)

async def main():
    server = gorums.Server(ScriptedCalls(1))
    async with gorums.connect([await server.start("127.0.0.1:0")]) as config:
        going_on = True

        async def call():
            while going_on:
                await echo(config[0], Text())

        callers = [asyncio.create_task(call()) for _ in range(10)]
        for _ in range(20):
            await echo(config[0], Text())
            child = os.fork()
            if child == 0:
                time.sleep(0.02)  # gRPC's handlers crash a child a little later
                os._exit(0)
            _, status = await asyncio.to_thread(os.waitpid, child, 0)
            print(os.waitstatus_to_exitcode(status))
        going_on = False
        await asyncio.gather(*callers)
    await server.stop()

asyncio.run(main())
"""


async def test_forks_while_calls_are_made() -> None:
    async with Program(UNDER_LOAD) as program:
        status, output = await program.ended()
    assert (status, output.split(), program.errors) == (0, ["0"] * 20, "")


IMPORTS = {
    "pygorums first": ("import pygorums, grpc", {}, False),
    "grpc first": ("import grpc, pygorums", {}, True),
    "grpc.aio first": ("import grpc.aio, pygorums.sync", {}, True),
    "grpc first, turned off": ("import grpc, pygorums", {"GRPC_ENABLE_FORK_SUPPORT": "0"}, False),
    "grpc first, wanted": ("import grpc, pygorums", {"GRPC_ENABLE_FORK_SUPPORT": "1"}, False),
    "the examples": ("import examples.storage.__main__, examples.identity.member", {}, False),
    "the benchmarks": ("import benchmarks.__main__", {}, False),
}


@pytest.mark.parametrize("order", IMPORTS)
async def test_an_import_that_comes_too_late_is_told(order: str) -> None:
    imports, environment, warned = IMPORTS[order]
    others = {name: value for name, value in os.environ.items() if not name.startswith("GRPC_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", imports, env={**others, **environment}, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await within(process.communicate(), START_LIMIT)
    text = errors.decode()
    assert process.returncode == 0
    assert ("<string>:1: RuntimeWarning" in text and "Import pygorums first" in text) if warned else not text
