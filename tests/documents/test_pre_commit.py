"""The hooks of pre-commit are the commands of ``make check``."""

import re

from tests.links import ROOT


def test_the_hooks_run_what_make_check_runs() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"^check:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert recipe
    commands = [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe[1].splitlines()]
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert re.findall(r"^ *entry: (.*)$", hooks, re.MULTILINE) == commands
    assert hooks.count("- repo: ") == hooks.count("- repo: local\n")
    assert hooks.count("language: system\n") == hooks.count("pass_filenames: false\n") == len(commands)
