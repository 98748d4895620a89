"""The protocol of docs/tutorial.md: by hand it works, then it is found wrong, and clean once it is changed as told."""

import asyncio
import re
import shlex
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.examples.documents import blocks_of
from tests.examples.programs import ROOT, START_LIMIT
from tests.examples.test_readme import run, server, start
from tests.support.waiting import within

BLOCKS = blocks_of((ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8"))
CONSOLES = [each.text.partition("\n") for each in BLOCKS if each.language == "console"]
FILES = ("tickets.py", "server.py", "client.py", "test_tickets.py")


def block(language: str, start: str = "") -> str:
    return next(each.text for each in BLOCKS if each.language == language and each.text.startswith(start))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tickets")
    (folder / "tickets.proto").write_text(block("proto"))
    for name in FILES:
        (folder / name).write_text(block("python", f"# {name}\n"))
    command = next(command for command, _, _ in CONSOLES if "pygorums.protoc" in command)
    asyncio.run(run(folder, *shlex.split(command.removeprefix("$ "))))
    return folder


async def test_it_works_by_hand(folder: Path) -> None:
    with_all, without_one = (output for command, _, output in CONSOLES if command.startswith("$ python client.py"))
    async with AsyncExitStack() as stack:
        addresses = [await stack.enter_async_context(server(folder)) for _ in range(2)]
        async with server(folder) as third:
            assert await run(folder, "python", "client.py", *addresses, third) == with_all
        assert await run(folder, "python", "client.py", *addresses, third) == without_one


async def test_the_mistake_is_found_replayed_and_fixed(folder: Path) -> None:
    code, found = await simulate(folder, "run", "--seeds", "1000")
    assert code == 1
    assert "a number was given twice" in found
    (again,) = re.findall(r"^replay it: .* test_tickets:scenario (\d+)$", found, re.MULTILINE)
    code, replayed = await simulate(folder, "replay", again)
    assert (code, replayed.splitlines()[0]) == (1, found.splitlines()[0])

    mistaken, fixed = (folder / "tickets.py").read_text(), block("python", "class Replica")
    (folder / "tickets.py").write_text(mistaken[: mistaken.index("class Replica")] + fixed)
    code, clean = await simulate(folder, "replay", again)
    assert code == 0, clean
    code, clean = await simulate(folder, "run", "--seeds", "40")
    assert "40 seeds: clean" in clean
    assert code == 0


async def simulate(folder: Path, command: str, *arguments: str) -> tuple[int | None, str]:
    """The exit status of a command on the page's scenario, and what it says."""
    process = await start(folder, "python", "-m", "pygorums.testing", command, "test_tickets:scenario", *arguments)
    output, errors = await within(process.communicate(), START_LIMIT)
    assert errors.decode() == ""
    return process.returncode, output.decode()
