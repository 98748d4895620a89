"""Which document becomes which page of the site, and links between them that still lead there."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

__all__ = ["REFERENCE", "copy_pages", "page_of"]

REFERENCE = (
    "pygorums",
    "pygorums.broadcast",
    "pygorums.quorums",
    "pygorums.sync",
    "pygorums.telemetry",
    "pygorums.testing",
    "pygorums.testing.responses",
    "pygorums.testing.sync",
)
"""Packages whose public names have a page: whatever is in their ``__all__``."""

_PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "RELEASING.md": "releasing.md",
    "SECURITY.md": "reporting.md",
}

_UNDER_ITS_TITLE = "    options: { show_root_heading: false }\n"

_BLOCK = re.compile(r"^( *)(```+|~~~+)[^\n]*\n.*?^\1\2 *$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(\]\(\s*)([^()\s>#:]+)((?:#[^()\s>]*)?[^()\n]*\))")


def page_of(path: str) -> str | None:
    """The page that a document becomes; both from the root of their tree. None for what is no document."""
    if path in _PAGES:
        return _PAGES[path]
    if path.startswith("docs/") and path.endswith(".md"):
        return path.removeprefix("docs/")
    if path.startswith("examples/") and path.endswith("/README.md"):
        return path.removesuffix("/README.md") + ".md"
    return None


def copy_pages(root: Path, target: Path) -> None:
    """Write all pages below `target`, with what they show and what they link to.

    A file of the source that a page links to is copied too, under ``files/``: the site has no repository to point at.
    """
    folders = [root / "docs", root / "examples"]
    documents = [*root.glob("*.md"), *(path for folder in folders for path in folder.rglob("*.md"))]
    pages = {path: page for each in sorted(documents) if (page := page_of(path := _from(root, each))) is not None}
    for path, page in pages.items():
        _write(target / page, _relinked(root, target, path, page, pages))
    for shown in (root / "docs").rglob("*"):
        if shown.is_file() and shown.suffix != ".md":
            _copy(shown, target / shown.relative_to(root / "docs"))
    for package in REFERENCE:
        name = package.removeprefix("pygorums.")
        _write(target / "reference" / f"{name}.md", f"# {package}\n\n::: {package}\n{_UNDER_ITS_TITLE}")


def _relinked(root: Path, target: Path, path: str, page: str, pages: Mapping[str, str]) -> str:
    """The text of a document, with links as the page needs them."""
    here = PurePosixPath(path).parent

    def link(found: re.Match[str]) -> str:
        there = normpath(str(here / found[2]))
        if (root / there / "README.md").is_file():
            there = f"{there}/README.md"
        to = pages.get(there)
        if to is None and not there.startswith("docs/"):
            if not (root / there).is_file():
                return found[0]
            to = f"files/{there}.txt"
            _copy(root / there, target / to)
        return found[0] if to is None else f"{found[1]}{relpath(to, str(PurePosixPath(page).parent))}{found[3]}"

    text = (root / path).read_text()
    pieces, end = [], 0
    for block in _BLOCK.finditer(text):
        pieces += [_LINK.sub(link, text[end : block.start()]), block[0]]
        end = block.end()
    return "".join([*pieces, _LINK.sub(link, text[end:])])


def _from(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
