"""Build the documentation site: ``python -m website`` writes it to ``build/website/site``.

The pages are the documents of this tree, under the names that `pages.py` gives them; the reference is made from the
docstrings. A link that leads nowhere, a public name without a place in the reference, and a page that the navigation
leaves out are errors.
``--diagrams`` has npm fetch what draws the diagrams, once, into ``build/mermaid``.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from website.diagrams import add_mermaid, fetch_mermaid
from website.pages import REFERENCE, copy_pages

__all__ = ["main"]

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "website"
SITE = BUILD / "site"
MERMAID = ROOT / "build" / "mermaid"


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the site; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m website", description=__doc__)
    parser.add_argument("--diagrams", action="store_true", help="fetch what draws diagrams, if it is not there")
    if parser.parse_args(arguments).diagrams:
        fetch_mermaid(MERMAID)
    shutil.rmtree(BUILD, ignore_errors=True)
    copy_pages(ROOT, BUILD / "pages")
    shutil.copyfile(ROOT / "website" / "mkdocs.yml", BUILD / "mkdocs.yml")
    built = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict"],
        cwd=BUILD,
        env={"PATH": "", "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode:
        print(built.stdout + built.stderr, file=sys.stderr)
        return 1
    add_mermaid(MERMAID, SITE)
    missing = sorted(public_names() - inventory(SITE / "objects.inv"))
    for name in missing:
        print(f"{name}: public, but not in the reference", file=sys.stderr)
    unlisted = sorted(pages() ^ navigation())
    for page in unlisted:
        print(f"{page}: website/mkdocs.yml must list each page, and nothing else", file=sys.stderr)
    (SITE / "llms.txt").write_text(for_language_models())
    print(f"{SITE.relative_to(ROOT)}/index.html")
    return 1 if missing or unlisted else 0


def public_names() -> set[str]:
    """What the reference has to tell of."""
    names = {f"{package}.{name}" for package in REFERENCE for name in import_module(package).__all__}
    return names - {"pygorums.StatusCode", "pygorums.__version__"}  # gRPC's, and a text


def inventory(path: Path) -> set[str]:
    """The names in a file ``objects.inv``: four lines that describe it, and then, compressed, a line for each name."""
    compressed = path.read_bytes().split(b"\n", 4)[4]
    return {line.split(" ", 1)[0] for line in zlib.decompress(compressed).decode().splitlines()}


def pages() -> set[str]:
    """The pages that there are."""
    return {page.relative_to(BUILD / "pages").as_posix() for page in (BUILD / "pages").rglob("*.md")}


def navigation() -> set[str]:
    """The pages that readers are led to."""
    return set(re.findall(r"^ +- (?:[^:\n]+: )?(\S+\.md)$", (BUILD / "mkdocs.yml").read_text(), re.MULTILINE))


def for_language_models() -> str:
    """The pages with what each is about, as https://llmstxt.org describes."""
    lines = ["# pygorums", "", "> Quorum calls for Python.", "", "## Pages", ""]
    for page in sorted((BUILD / "pages").rglob("*.md")):
        title, about = _beginning(page.read_text())
        if title in REFERENCE:
            about = (import_module(title).__doc__ or title).strip().split("\n\n")[0].replace("\n", " ")
        lines.append(f"- [{title}]({page.relative_to(BUILD / 'pages').with_suffix('.html').as_posix()}): {about}")
    return "\n".join(lines) + "\n"


def _beginning(text: str) -> tuple[str, str]:
    """The title of a page, and its first sentence."""
    paragraphs: Iterator[str] = (" ".join(each.split()) for each in text.split("\n\n"))
    title = next(paragraphs).removeprefix("# ")
    first = next((each for each in paragraphs if each[:1].isalpha() or (each[:1] == "`" and each[:3] != "```")), title)
    return title, first.split(". ")[0].rstrip(".:") + "."


if __name__ == "__main__":
    sys.exit(main())
