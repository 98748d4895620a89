"""Mermaid, which draws diagrams in the reader's browser: a copy for the site, so that nothing is fetched elsewhere."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
from base64 import b64encode
from pathlib import Path

__all__ = ["VERSION", "add_mermaid", "fetch_mermaid"]

VERSION = "12.3.0"  # of the major version that Zensical would fetch while a page is read
_INTEGRITY = "4113TdXeLAsMruJ79OpFL5O8+LTFXhQqZ260rF3tgUmiNAtRm4Uume04I+65PRN6yZ69J4f8rVYWW8zRk65UYw=="  # its sha512
_SCRIPT = "package/dist/mermaid.min.js"
_BUNDLE = re.compile(r'(<script src="([^"]*/)bundle\.)')


def fetch_mermaid(folder: Path) -> None:
    """Have npm fetch the package into `folder`, unless it is there already.

    Raises:
        ValueError: the package is not the one that we know.
    """
    script = folder / f"mermaid-{VERSION}.js"
    if script.exists():
        return
    npm = shutil.which("npm")
    if npm is None:
        print("npm is not there: diagrams will be drawn by what the reader's browser fetches", file=sys.stderr)
        return
    folder.mkdir(parents=True, exist_ok=True)
    command = [npm, "pack", "--silent", f"mermaid@{VERSION}"]
    if subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False).returncode:
        print("npm cannot fetch mermaid: diagrams will be drawn by what the reader's browser fetches", file=sys.stderr)
        return
    package = folder / f"mermaid-{VERSION}.tgz"
    try:
        if b64encode(hashlib.sha512(package.read_bytes()).digest()).decode() != _INTEGRITY:
            raise ValueError(f"{package.name} as npm got it is not mermaid {VERSION}; see website/diagrams.py")
        with tarfile.open(package) as archive:
            content = archive.extractfile(_SCRIPT)
            assert content is not None  # a file
            script.write_bytes(content.read())
    finally:
        package.unlink()


def add_mermaid(folder: Path, site: Path) -> None:
    """Have the pages of `site` that show diagrams load the copy in `folder`, if there is one.

    Zensical fetches mermaid only where a page has not loaded it. It is large, so other pages do without.
    """
    script = folder / f"mermaid-{VERSION}.js"
    if not script.exists():
        return
    shutil.copyfile(script, site / "assets" / "javascripts" / script.name)
    for page in site.rglob("*.html"):
        text = page.read_text()
        if 'class="mermaid"' in text:
            text, found = _BUNDLE.subn(rf'<script src="\2{script.name}"></script>\1', text, count=1)
            if not found:
                raise ValueError(
                    f"{page.relative_to(site)}: where does it load Zensical's script, and mermaid before it?"
                )
            page.write_text(text)
