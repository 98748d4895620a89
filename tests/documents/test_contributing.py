"""CONTRIBUTING.md tells of every target of the Makefile."""

import re

from tests.links import ROOT


def test_every_target_is_told() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert phony
    told = re.findall(r"^\| `make ?([\w-]*)` \|", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(name or "install" for name in told) == sorted(phony[1].split())
