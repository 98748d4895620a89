"""What ``make demo`` runs."""

import re
from pathlib import Path

import pytest

from examples.storage import compile as compile_module
from examples.storage.compile import GENERATED, PROTO, compile_storage
from examples.storage.program import StartError
from tests.examples.programs import ROOT, run_module
from tests.examples.pty_session import ENTER, PtySession


def generated_files() -> dict[str, tuple[bytes, int]]:
    return {path: ((ROOT / path).read_bytes(), (ROOT / path).stat().st_mtime_ns) for path in GENERATED}


def test_the_demonstration_without_a_terminal() -> None:
    before = generated_files()
    completed = run_module("examples.storage.demo")
    assert completed.stderr == ""
    assert completed.returncode == 0
    assert generated_files() == before

    compiling, starting, *calls, ending = completed.stdout.split("\n\n")
    assert re.search(
        r"^  \$ python -m pygorums.protoc -I\. .*--pygorums_out=\S+ " + re.escape(PROTO), compiling, re.MULTILINE
    )
    assert [line for line in compiling.splitlines() if "up to date" in line] == [
        f"  {path}: up to date" for path in GENERATED
    ]
    assert re.findall(r"^  node (\d): 127.0.0.1:\d+$", starting, re.MULTILINE) == ["0", "1", "2", "3"]
    assert [told(call) for call in calls] == [
        ("write_qc", "0, 1, 2, 3", 4, "Write OK: 4 nodes took it, 3 are a majority"),
        ("read_qc", "0, 1, 2, 3", 4, "greeting = hello"),
        ("read_rpc", "0", 1, "greeting = hello"),
        ("write_unicast", "1", 0, "Unicast OK; later reads of node 1 give greeting = world"),
        ("write_multicast", "0, 1, 2, 3", 0, "Multicast OK; later reads of any node give greeting = gorums"),
        ("read_correctable", "0, 1, 2, 3", 4, "greeting = gorums (level 4)"),
    ]
    assert ending == "On a terminal, a prompt would follow: python -m examples.storage\n"


def told(call: str) -> tuple[str, str, int, str]:
    """What the demonstration tells of a call: its function, its nodes, how many replies, its result."""
    match = re.fullmatch(r".+\n  call     (\w+)\(.*\)\n  nodes    (.+)\n  replies  ((?:.*\n)+)  result   (.+)", call)
    assert match, call
    replies = [line.strip() for line in match[3].splitlines()]
    assert all(re.fullmatch(r"none|(node|level) \d: (new|OK)=True.*", reply) for reply in replies), replies
    assert len(set(replies)) == len(replies)
    return match[1], match[2], 0 if replies == ["none"] else len(replies), match[4]


async def test_on_a_terminal_the_prompt_follows() -> None:
    async with PtySession("-m", "examples.storage.demo") as terminal:
        await terminal.expect("Now it is your turn.")
        await terminal.expect("> ")
        terminal.type(f"qc read greeting{ENTER}")
        await terminal.expect("greeting = gorums")
        await terminal.expect("> ")
        terminal.type(f"exit{ENTER}")
        assert (await terminal.end())[0] == 0


def test_what_differs_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / PROTO).parent.mkdir(parents=True)
    (tmp_path / PROTO).write_bytes((ROOT / PROTO).read_bytes())
    stale = tmp_path / GENERATED[-1]
    stale.write_text("stale")
    monkeypatch.setattr(compile_module, "ROOT", tmp_path)
    lines: list[str] = []
    compile_storage(lines.append)
    assert lines[1:] == [f"  {path}: updated" for path in GENERATED]
    for path in GENERATED:
        assert (tmp_path / path).read_bytes() == (ROOT / path).read_bytes()
    assert sorted(file.name for file in stale.parent.iterdir()) == sorted(
        Path(path).name for path in (PROTO, *GENERATED)
    )


def test_a_proto_that_cannot_be_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / PROTO).parent.mkdir(parents=True)
    (tmp_path / PROTO).write_text("nonsense")
    monkeypatch.setattr(compile_module, "ROOT", tmp_path)
    with pytest.raises(StartError, match=r"could not be compiled$"):
        compile_storage(lambda _: None)
    assert "storage.proto:1:1" in capfd.readouterr().err
