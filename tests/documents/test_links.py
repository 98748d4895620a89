from pathlib import Path

import pytest

from tests import links

README = """\
# Title

See [the guide](docs/guide.md#two-words) and [this](#title), or [elsewhere](https://example.org/no#such).

## Title
"""
GUIDE = """\
# `code` and: two-words?

## Two words

[back](../README.md#title-1)
"""
FILES = {
    "README.md": README,
    "docs/guide.md": GUIDE,
    "CHANGELOG.md": "`docs/gone.md` was moved.\n",
    "Makefile": "VENV := .venv\n\ncheck: install\n\ttrue\n",
    "pygorums/__init__.py": "",
    "pygorums/wire/framing.py": (
        "LIMIT: int = 1\nSIZE = 2\n\n\nasync def read() -> None: ...\n\n\n"
        "class Frame:\n    def size(self) -> int: ...\n\n\ndef last() -> None: ...\n"
    ),
    "tests/__init__.py": "",
    "tests/links.py": "",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small project in which nothing is broken."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert list(links.problems(tmp_path)) == []
    return tmp_path


def said(tree: Path, text: str) -> list[str]:
    """What is said of a document with this text."""
    (tree / "docs" / "page.md").write_text(text, encoding="utf-8")
    return list(links.problems(tree))


def test_the_documents_of_this_project(capsys: pytest.CaptureFixture[str]) -> None:
    assert links.main([]) == 0, capsys.readouterr().err
    names = {path.name for path in links.documents(links.ROOT)}
    assert {"README.md", "CHANGELOG.md", "guide.md", "wire.md"} <= names


@pytest.mark.parametrize(
    "text",
    [
        "[a](guide.md)",
        '[a](guide.md "title")',
        "[a](<guide.md#two-words>)",
        "[a](guide.md#code-and-two-words)",
        "[a](../docs)",
        "[a](mailto:nobody@example.org)",
        "[a]: guide.md",
        "`pygorums/wire/framing.py`",
        "`wire/framing.py`, from the runtime's folder",
        "`guide.md`, `and/or`, `a / b`, `/absolute/path.py`, which are no paths of ours",
        "`pygorums/wire/`, `pygorums/*/framing.py`",
        "`pygorums/wire/framing.py::read`, `wire/framing.py::Frame`, `wire/framing.py::LIMIT`, `wire/framing.py::SIZE`",
        "`wire/framing.py::Frame.size`",
        "`proto/shop/shop.proto`",
        "`[a](gone.md)` and ``[b](gone.md) ` ``",
        "```md\n[a](gone.md) `gone/gone.py`\n```",
        "~~~\n[a](gone.md)\n~~~",
        "`python -m tests.links`, `python -m other.module`, `python3 -m pip`",
        "`make check`, `make check X=y`\n\n```console\n$ make check    # all of it\nmake check\n```",
        "To\nmake nonsense of it is allowed.",
    ],
)
def test_what_leads_somewhere(tree: Path, text: str) -> None:
    assert said(tree, text + "\n") == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[a](gone.md)", "gone.md: no such file"),
        ("[a](../gone.md#title)", "../gone.md#title: no such file"),
        ("[a](guide.md#three-words)", "guide.md#three-words: no such heading"),
        ("[a](../README.md#title-2)", "../README.md#title-2: no such heading"),
        ("[a](#nothing)", "#nothing: no such heading"),
        ("[a](../../outside.md)", "../../outside.md: leads out of the project"),
        ("[a `b`](gone.md)", "gone.md: no such file"),
        ("[a]: gone.md", "gone.md: no such file"),
        ("`pygorums/wire/gone.py`", "pygorums/wire/gone.py: no such path"),
        ("`gone/framing.py`", "gone/framing.py: no such path"),
        ("`pygorums/gone/`", "pygorums/gone/: no such path"),
        ("`pygorums/wire/framing.py/`", "pygorums/wire/framing.py/: not a folder"),
        ("`pygorums/*/gone.py`", "pygorums/*/gone.py: no such path"),
        ("`pygorums/wire/framing.py::write`", "pygorums/wire/framing.py::write: does not define write"),
        ("`pygorums/wire/framing.py::Fram`", "pygorums/wire/framing.py::Fram: does not define Fram"),
        ("`wire/framing.py::Frame.read`", "wire/framing.py::Frame.read: does not define Frame.read"),
        ("`wire/framing.py::Frame.last`", "wire/framing.py::Frame.last: does not define Frame.last"),
        ("`wire/framing.py::Gone.size`", "wire/framing.py::Gone.size: does not define Gone.size"),
        ("`python -m tests.gone`", "python -m tests.gone: no such module"),
        ("```\npython -m pygorums\n```", "python -m pygorums: no such module"),
        ("`make gone`", "make gone: no such target"),
        ("```console\n$ make check gone\n```", "make gone: no such target"),
        ("`make VENV`, `make venv`", "make venv: no such target"),
        ("1. Do\n\n   ```console\n   $ make gone\n   ```", "make gone: no such target"),
    ],
)
def test_what_leads_nowhere(tree: Path, text: str, problem: str) -> None:
    assert [line.partition(": ")[2] for line in said(tree, text + "\n")] == [problem]


def test_each_problem_has_its_line(tree: Path) -> None:
    text = "# A page\n\n```\n[a](gone.md)\n```\n\nOne [b](gone.md)\nand `gone/two.py`.\n\n`docs/guide.md`\n"
    assert said(tree, text) == [
        "docs/page.md:7: gone.md: no such file",
        "docs/page.md:8: gone/two.py: no such path",
    ]


def test_the_exit_status_is_1(tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(links, "ROOT", tree)
    assert links.main([]) == 0
    assert said(tree, "[a](gone.md)\n")
    assert links.main([]) == 1
    assert capsys.readouterr().err == "docs/page.md:1: gone.md: no such file\n"
