"""What the documents refer to: says which links, paths, names, modules and make targets are not there.

Looked at are all Markdown files of the project. Outside of blocks of code:

- a link to a file, and to a heading of it (``[text](wire.md#limits)``);
- a path in backticks (``pygorums/sync/calls.py``, ``tests/support/``), from the root, the document's folder or the
  runtime's; with a name behind it (``tests/links.py::main``, ``streams/pause.py::Pause.wait``) the file must define it.

In blocks too: a module of ours that is run (``python -m tests.links``), and a target of the Makefile (``make check``).
"""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

__all__ = ["documents", "main", "problems"]

ROOT = Path(__file__).parents[1]

_FOLDERS = ("docs", "examples", "benchmarks", "tests")
_RUNTIME = "pygorums"

_YOURS = {"a-b/c.d.proto", "a_b/c/d_gorums.py", "dist/", "proto/shop/shop.proto"}
"""Paths in the documents that are the reader's: made up to explain something, or made by a command."""

_PAST = {"CHANGELOG.md"}
"""Documents that tell of what was: paths in them may be gone."""

_ENDINGS = "ini|jinja|json|md|proto|py|pyi|sh|svg|toml|txt|yaml|yml"

_BLOCK = re.compile(r"^( *)(```+|~~~+)[^\n]*\n.*?^\1\2 *$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(
    r"\]\(\s*<?([^()\s>]+(?:\([^()\s]*\)[^()\s>]*)*)>?(?:\s+\"[^\"]*\")?\s*\)|^\[[^\]]+\]:\s+(\S+)", re.MULTILINE
)
_PATH = re.compile(rf"((?:[\w.*-]+/)+(?:[\w.*-]+\.(?:{_ENDINGS}))?)(?:::(\w+(?:\.\w+)?))?")
_HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)
_MODULE = re.compile(r"\bpython3? -m ([\w.]+)")
_MAKE = re.compile(r"^ *(?:\$ )?make((?: [a-z][\w-]*(?![\w=-]))+)", re.MULTILINE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Say what is not there; the exit status."""
    argparse.ArgumentParser(prog="python -m tests.links", description=__doc__).parse_args(arguments)
    found = list(problems(ROOT))
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


def documents(root: Path) -> list[Path]:
    """The Markdown files of the project."""
    return sorted([*root.glob("*.md"), *(path for folder in _FOLDERS for path in (root / folder).rglob("*.md"))])


def problems(root: Path) -> Iterator[str]:
    """A line for each reference that leads nowhere, as ``docs/guide.md:12: wire.md#limit: no such heading``."""
    for path in documents(root):
        text = path.read_text(encoding="utf-8")
        for position, reference, problem in sorted(_broken(root, path, text)):
            line = text.count("\n", 0, position) + 1
            yield f"{path.relative_to(root).as_posix()}:{line}: {reference}: {problem}"


def _broken(root: Path, path: Path, text: str) -> Iterator[tuple[int, str, str]]:
    """Where each broken reference stands, what it is, and what is wrong with it."""
    prose = _blanked(_BLOCK, text)
    for match in _LINK.finditer(_blanked(_SPAN, prose)):
        target = match[1] or match[2]
        if not _SCHEME.match(target) and (problem := _link_problem(root, path, target)):
            yield match.start(), target, problem
    if path.name not in _PAST:
        for span in _SPAN.finditer(prose):
            content = " ".join(span[2].split())
            named = _PATH.fullmatch(content)
            if named and content not in _YOURS and (problem := _path_problem(root, path, *named.groups())):
                yield span.start(), content, problem
    for match in _MODULE.finditer(text):
        if not _runs(root, match[1]):
            yield match.start(), match[0], "no such module"
    targets = _make_targets(root)
    code = [(block.start(), block[0]) for block in _BLOCK.finditer(text)]
    code += [(span.start(), span[2]) for span in _SPAN.finditer(prose)]
    for start, content in code:
        for match in _MAKE.finditer(content):
            for target in match[1].split():
                if target not in targets:
                    yield start + match.start(), f"make {target}", "no such target"


def _blanked(pattern: re.Pattern[str], text: str) -> str:
    """The text with all matches replaced by as much space, so that positions stay."""
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def _link_problem(root: Path, path: Path, target: str) -> str:
    name, _, anchor = target.partition("#")
    file = (path.parent / name).resolve() if name else path
    if not file.is_relative_to(root.resolve()):
        return "leads out of the project"
    if not file.exists():
        return "no such file"
    if anchor and file.suffix == ".md" and anchor not in _anchors(file.read_text(encoding="utf-8")):
        return "no such heading"
    return ""


def _anchors(text: str) -> set[str]:
    """What leads to the headings, as GitHub makes it: the second of a name gets ``-1``."""
    anchors: set[str] = set()
    for heading in _HEADING.findall(_blanked(_BLOCK, text)):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        number, unique = 0, anchor
        while unique in anchors:
            number += 1
            unique = f"{anchor}-{number}"
        anchors.add(unique)
    return anchors


def _path_problem(root: Path, path: Path, named: str, name: str | None) -> str:
    files = [file for start in (root, path.parent, root / _RUNTIME) for file in start.glob(named.rstrip("/"))]
    if not files:
        return "no such path"
    if named.endswith("/") and not any(file.is_dir() for file in files):
        return "not a folder"
    if name and not any(_defines(file, name) for file in files):
        return f"does not define {name}"
    return ""


def _defines(file: Path, name: str) -> bool:
    if not file.is_file():
        return False
    text = file.read_text(encoding="utf-8")
    owner, _, name = name.rpartition(".")
    if owner:  # the lines of its class, up to the next thing that begins a line, be it not what closes its head
        found = re.search(rf"^class {owner}\b[^\n]*\n(?:[ )][^\n]*\n|\n)*", text, re.MULTILINE)
        text = found[0].partition("\n")[2] if found else ""
    definition = rf"^\s*(?:(?:async )?def|class|message|rpc|service) {name}\b|^\s*{name}(?::[^=\n]+)? ="
    return re.search(definition, text, re.MULTILINE) is not None


def _runs(root: Path, module: str) -> bool:
    """Whether a module can be run, so far as it is one of ours."""
    first, *rest = module.split(".")
    if not (root / first / "__init__.py").is_file():
        return True
    file = root.joinpath(first, *rest)
    return file.with_suffix(".py").is_file() or (file / "__main__.py").is_file()


def _make_targets(root: Path) -> set[str]:
    makefile = root / "Makefile"
    text = makefile.read_text(encoding="utf-8") if makefile.is_file() else ""
    return set(re.findall(r"^([a-z][\w-]*):(?!=)", text, re.MULTILINE))


if __name__ == "__main__":
    sys.exit(main())
