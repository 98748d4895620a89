"""Everything in docs/guide.md that can be true or false."""

import ast
import asyncio
import importlib
import inspect
import io
import re
import shlex
import sys
import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import pytest

import pygorums as gorums
from examples.storage.arguments import INTERCEPTORS, parse_arguments
from examples.storage.commands import COMMANDS, OPERATIONS
from pygorums.quorums.__main__ import main as describe_quorums
from tests.examples.documents import Block, blocks_of, functions, missing_targets, signature
from tests.examples.programs import ENVIRONMENT, ROOT, START_LIMIT, free_addresses, refusing_address, run_storage
from tests.support.waiting import within

PATH = ROOT / "docs" / "guide.md"
GUIDE = PATH.read_text()
BLOCKS = blocks_of(GUIDE)
COMMANDS_SHOWN = [
    line.removeprefix("$ ")
    for block in BLOCKS
    if block.language == "console"
    for line in block.text.splitlines()
    if line.startswith("$ ")
]
SERVERS = [command.split()[-1] for command in COMMANDS_SHOWN if command.startswith("python server.py ")]
MODULES = ("storage_pb2", "storage_gorums", "server", "counter_pb2", "counter_gorums")

# Programs of their own, not pieces of the session.
FILES = ("# server.py\n", "# client.py\n")

# Shown to be read, and compared with what is generated.
SIGNATURES = ("def read_rpc(", "class StorageServer(")


def block(language: str, start: str = "") -> str:
    return next(each.text for each in BLOCKS if each.language == language and each.text.startswith(start))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the guide's files, compiled by the guide's commands."""
    folder = tmp_path_factory.mktemp("guide")
    for name in ("storage", "counter"):
        (folder / f"{name}.proto").write_text(block("proto", f'edition = "2023";\n\npackage {name};\n'))
    (folder / "server.py").write_text(block("python", "# server.py\n"))
    asyncio.run(compile_all_in(folder))
    return folder


async def compile_all_in(folder: Path) -> None:
    await asyncio.gather(*(compile_in(folder, command) for command in COMMANDS_SHOWN if "pygorums.protoc" in command))


async def compile_in(folder: Path, command: str) -> None:
    process = await start(folder, command)
    output, errors = await within(process.communicate(), START_LIMIT)
    assert (output, errors, process.returncode) == (b"", b"", 0)


async def start(folder: Path, command: str) -> asyncio.subprocess.Process:
    program, *arguments = shlex.split(command)
    assert program == "python"
    return await asyncio.create_subprocess_exec(
        *(sys.executable, *arguments),
        cwd=folder,
        env=ENVIRONMENT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


class Addresses:
    """The guide's addresses and ours in their place."""

    def __init__(self, silent: str) -> None:
        shown = sorted({*re.findall(r"127\.0\.0\.1:[789]\d{3}\b", GUIDE)} - {"127.0.0.1:8089"})
        self._real = dict(zip(shown, free_addresses(len(shown)), strict=True)) | {"127.0.0.1:8089": silent}

    def real(self, text: str) -> str:
        """What is run for what the guide shows."""
        for shown, real in self._real.items():
            text = text.replace(shown, real)
        return text

    def shown(self, text: str) -> str:
        """What the guide shows for what was printed."""
        for shown, real in self._real.items():
            text = text.replace(real, shown)
        return text


@asynccontextmanager
async def serving(folder: Path, command: str) -> AsyncIterator[None]:
    """One of the guide's servers."""
    process = await start(folder, command)
    assert process.stdout is not None
    try:
        line = (await within(process.stdout.readline(), START_LIMIT)).decode()
        assert line == f"listening on {command.split()[-1]}\n"
        yield
    finally:
        process.kill()
        _, errors = await within(process.communicate())
    assert errors.decode() == ""


@contextmanager
def importing_from(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in MODULES:
            sys.modules.pop(name, None)


def snippets() -> Iterator[tuple[Block, str]]:
    """What is typed at the prompt, with what it prints."""
    for each, following in zip(BLOCKS, [*BLOCKS[1:], Block("", "", 0)], strict=True):
        if each.language == "python" and not each.text.startswith((*FILES, *SIGNATURES)):
            yield each, following.text if following.language == "text" else ""


class Session:
    """A prompt like that of ``python -m asyncio``."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._names: dict[str, Any] = {"__name__": "__main__", "asyncio": asyncio}

    async def run(self, snippet: Block) -> str:
        """Executes a snippet, and gives what it prints. Tracebacks point into the guide."""
        source = "\n" * snippet.line + self._addresses.real(snippet.text)
        code = compile(source, str(PATH), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        output = io.StringIO()
        with redirect_stdout(output):
            result = eval(code, self._names)  # how a module's code is run when it may contain await
            if inspect.isawaitable(result):
                await within(result, START_LIMIT)
        return self._addresses.shown(output.getvalue())

    async def close(self) -> None:
        """Closes what a snippet that failed has left open."""
        for value in list(self._names.values()):
            if isinstance(value, gorums.Configuration):
                with suppress(gorums.ConfigurationError):  # a server's own, which ends with the server
                    await within(value.close())
            elif isinstance(value, gorums.System | gorums.Server):
                await within(value.stop())


async def test_the_snippets_print_what_they_are_said_to(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    with refusing_address() as silent, importing_from(project):
        addresses = Addresses(silent)
        session = Session(addresses)
        async with AsyncExitStack() as stack:
            first, *others = (addresses.real(address) for address in SERVERS)
            await stack.enter_async_context(serving(project, f"python server.py {first}"))
            storage = importlib.import_module("server").Storage
            for address in others:  # a process for each would only take longer
                server = await stack.enter_async_context(gorums.Server(storage()))
                await server.start(address)
            stack.push_async_callback(session.close)
            for snippet, expected in snippets():
                assert await session.run(snippet) == expected, f"{PATH}:{snippet.line}"


async def test_the_client_without_asyncio(project: Path) -> None:
    listing, expected = next(
        (each, after) for each, after in zip(BLOCKS, BLOCKS[2:], strict=False) if each.text.startswith("# client.py\n")
    )
    assert expected.language == "text"
    with refusing_address() as silent:
        addresses = Addresses(silent)
        (project / "client.py").write_text(addresses.real(listing.text))
        shown = sorted(set(re.findall(r"127\.0\.0\.1:\d{4}", listing.text)))
        assert set(shown) <= set(SERVERS)  # the reader has started these
        with importing_from(project):
            storage = importlib.import_module("server").Storage
            async with AsyncExitStack() as stack:
                for address in shown:
                    server = await stack.enter_async_context(gorums.Server(storage()))
                    await server.start(addresses.real(address))
                client = await start(project, "python client.py")
                output, errors = await within(client.communicate(), START_LIMIT)
    assert errors.decode() == ""
    assert output.decode() == expected.text


def test_the_signatures_are_those_of_the_generated_module(project: Path) -> None:
    shown = functions("".join(block("python", start) for start in SIGNATURES))
    generated = functions((project / "storage_gorums.py").read_text())
    assert {name: signature(each) for name, each in shown.items()} == {
        name: signature(each) for name, each in generated.items()
    }
    assert len(shown) == 16


def test_the_transcript_of_the_prompt() -> None:
    transcript = block("console", "$ python -m examples.storage\n").splitlines()[1:]
    commands = [line.removeprefix("> ") for line in transcript if line.startswith("> ")]
    completed = run_storage(stdin="\n".join(commands))
    assert completed.stderr == ""
    assert completed.returncode == 0

    printed = re.sub(r"127\.0\.0\.1:\d+", "an address", completed.stdout)
    expected = [re.sub(r"127\.0\.0\.1:\d+", "an address", line) for line in transcript if not line.startswith("> ")]
    assert printed.splitlines() == expected


def test_the_table_of_commands_is_complete() -> None:
    table = GUIDE[GUIDE.index("| command | what it does |") : GUIDE.index("`<node>` is an index")]
    described = set(re.findall(r"[a-z]+", " ".join(re.findall(r"`([^`]+)`", table))))
    assert described >= {*COMMANDS, *OPERATIONS}
    section = GUIDE[GUIDE.index("## The storage example") : GUIDE.index("## Nested calls")]
    assert all(f"`{name}`" in section for name in INTERCEPTORS)


@pytest.mark.parametrize("command", COMMANDS_SHOWN)
def test_every_command_exists(command: str) -> None:
    match shlex.split(command):
        case ["python", "-m", "pip", "install", "trustme"]:
            pass  # the snippets import it
        case ["python", "-m", "pip", "install", package]:
            extra = package.removeprefix("/path/to/pygorums[").removesuffix("]")
            assert extra in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        case ["python", "-m", "examples.storage", *arguments]:
            given = parse_arguments(arguments)  # exits if they are wrong
            assert not given.cluster or len(given.addresses) == 3
        case ["python", "-m", "pygorums.quorums", *arguments]:
            printed = io.StringIO()
            with redirect_stdout(printed):
                assert describe_quorums(arguments) == 0
            assert f"$ {command}\n{printed.getvalue()}```" in GUIDE
        case ["python", "-m", "pygorums.protoc", *_]:
            pass  # the project is compiled with it
        case ["python", "client.py"]:
            pass  # it is run as it is shown
        case ["python", "server.py", address]:
            assert address in SERVERS  # the snippets run with it
        case _:
            pytest.fail(f"no test executes {command!r}")


def test_links_lead_somewhere() -> None:
    assert missing_targets(PATH) == []


def test_the_contents_are_the_chapters() -> None:
    listed = re.findall(r"^- \[(.+)\]\(#", GUIDE, re.MULTILINE)
    assert listed == re.findall(r"^## (.+)$", GUIDE, re.MULTILINE)
