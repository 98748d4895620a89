"""``python -m pygorums.quorums describe``."""

import subprocess
import sys
from pathlib import Path

import pytest

from pygorums import quorums as q
from pygorums.quorums.__main__ import main

GRID = """\
                 reads                               writes
nodes            {1, 2, 3, 4}                        {1, 2, 3, 4}
needed           any_of(all_of(1, 2), all_of(3, 4))  all_of(any_of(1, 2), any_of(3, 4))
resilience       1                                   1
minimal quorums  2 of 2 nodes                        4 of 2 nodes
                   {1, 2}                              {1, 3}
                   {3, 4}                              {1, 4}
                                                       {2, 3}
                                                       {2, 4}
load             0.5                                 0.5
capacity         2                                   2
network          2                                   2
"""


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", "grid([[1, 2], [3, 4]])"]) == 0
    assert capsys.readouterr().out == GRID


def test_a_file_with_what_is_known_of_the_nodes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "system.toml"
    path.write_text('system = "majority(3)"\nread_fraction = 0.8\n[capacity]\n1 = 2000\n[latency]\n1 = 0.5\n')
    assert main(["describe", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[-4:]] == [
        ["load", "0.000333333"],
        ["capacity", "3000"],
        ["network", "2"],
        ["latency", "0.5"],
    ]
    assert lines[-1].endswith("(for all calls, of which 80% read)")
    assert main(["describe", str(path), "--read-fraction", "0"]) == 0
    assert "of which 0% read" in capsys.readouterr().out


def test_many_quorums_are_not_all_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", "majority(31)"]) == 0
    out = capsys.readouterr().out
    assert "there are more than 200000 minimal quorums" in out
    assert main(["describe", "majority(9)"]) == 0
    assert "and 116 more" in capsys.readouterr().out


def test_mistakes_are_told_in_a_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "system.toml"
    path.write_text('system = "majority(3)"\n[capacity]\n9 = 2000\n')
    for system, text in (
        ("majority(", "is no expression"),
        (str(tmp_path / "none.toml"), "cannot be read"),
        (str(path), "{9}"),
        ("x" * 5000, "means nothing here"),
    ):
        assert main(["describe", system]) == 1
        told = capsys.readouterr()
        assert told.out == ""
        assert text in told.err
        assert len(told.err.splitlines()) == 1


def test_it_is_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pygorums.quorums", "describe", repr(q.grid([[1, 2], [3, 4]]).reads)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == GRID
