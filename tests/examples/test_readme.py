"""Everything in README.md that can be true or false."""

import asyncio
import re
import shlex
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.examples.documents import blocks_of, functions, missing_targets, signature
from tests.examples.programs import ENVIRONMENT, ROOT, START_LIMIT
from tests.support.waiting import within

README = (ROOT / "README.md").read_text()
BLOCKS = blocks_of(README)
CONSOLES = [block.text for block in BLOCKS if block.language == "console"]


def python_block(start: str) -> str:
    return next(block.text for block in BLOCKS if block.language == "python" and block.text.startswith(start))


def console(start: str) -> list[str]:
    """The console blocks whose command starts so, each without it."""
    return [text.partition("\n")[2] for text in CONSOLES if text.startswith(f"$ {start}")]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the README's files, compiled by the README's command."""
    folder = tmp_path_factory.mktemp("register")
    (folder / "register.proto").write_text(next(block.text for block in BLOCKS if block.language == "proto"))
    for name in ("server.py", "client.py"):
        (folder / name).write_text(python_block(f"# {name}\n"))
    command = next(text for text in CONSOLES if text.startswith("$ python -m pygorums.protoc")).removeprefix("$ ")
    asyncio.run(run(folder, *shlex.split(command)))
    return folder


async def run(folder: Path, *command: str) -> str:
    """Runs one of the README's commands to its end; it must succeed and say nothing on stderr."""
    process = await start(folder, *command)
    output, errors = await within(process.communicate(), START_LIMIT)
    assert errors.decode() == ""
    assert process.returncode == 0
    return output.decode()


async def start(folder: Path, program: str, *arguments: str) -> asyncio.subprocess.Process:
    assert program == "python"
    return await asyncio.create_subprocess_exec(
        *(sys.executable, *arguments),
        cwd=folder,
        env=ENVIRONMENT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[str]:
    process = await start(folder, "python", "server.py", "127.0.0.1:0")
    assert process.stdout is not None
    try:
        line = (await within(process.stdout.readline(), START_LIMIT)).decode()
        start_of_line, _, address = line.rstrip("\n").rpartition(" ")
        assert start_of_line == "listening on"
        yield address
    finally:
        process.kill()
        _, errors = await within(process.communicate())
    assert errors.decode() == ""


async def test_the_client_and_the_servers_do_what_it_says(project: Path) -> None:
    with_all, without_the_third = console("python client.py")
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(server(project))
        second = await stack.enter_async_context(server(project))
        async with server(project) as third:
            addresses = [first, second, third]
            assert await run(project, "python", "client.py", *addresses) == with_all

        output = await run(project, "python", "client.py", *addresses)
        for number, address in enumerate(addresses, start=8081):
            output = output.replace(address, f"127.0.0.1:{number}")
        assert output == without_the_third


def test_the_signatures_are_those_of_the_generated_module(project: Path) -> None:
    shown = {name: signature(each) for name, each in functions(python_block("def inspect(")).items()}
    generated = {
        name: signature(each) for name, each in functions((project / "register_gorums.py").read_text()).items()
    }
    assert shown == generated
    assert len(shown) == 12


def test_the_call_types_are_those_of_the_options() -> None:
    rows = re.findall(r"^\| (?!in |-)(.+?) \| (.+?) \| a (\w+) \|", README, re.MULTILINE)
    assert rows == [
        ("no option, or `(gorums.rpc) = true`", "RPC", "node"),
        ("`(gorums.unicast) = true`", "unicast", "node"),
        ("`(gorums.multicast) = true`", "multicast", "configuration"),
        ("`(gorums.quorumcall) = true`", "quorum call", "configuration"),
        ("the same, and `returns (stream …)`", "streaming quorum call", "configuration"),
    ]


def test_make_has_the_targets() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^\$ make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_links_lead_somewhere() -> None:
    assert missing_targets(ROOT / "README.md") == []
