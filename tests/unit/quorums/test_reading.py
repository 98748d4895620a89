"""Quorum systems as text."""

from pathlib import Path

import pytest

import pygorums as gorums
from pygorums import quorums as q
from pygorums.quorums.reading import read_file, system_of


@pytest.mark.parametrize(
    ("text", "system"),
    [
        ("majority(5)", q.majority(5)),
        ("q.majority([1, 2, 9])", q.majority([1, 2, 9])),
        (" threshold(range(1, 5), reads=1) ", q.threshold(4, reads=1)),
        ("weighted({1: 3, 2: 2, 3: 2}, writes=5)", q.weighted({1: 3, 2: 2, 3: 2}, writes=5)),
        ("grid([[1, 2], (3, 4)])", q.grid([[1, 2], [3, 4]])),
        (
            'zones({"a": [1, 2, 3], "b": [4]}, of_each=1, zones=2)',
            q.zones({"a": [1, 2, 3], "b": [4]}, of_each=1, zones=2),
        ),
        ("joint(majority(3), majority([2, 3, 4]))", q.joint(q.majority(3), q.majority([2, 3, 4]))),
        ("masking(5, f=1)", q.masking(5, f=1)),
        ("1 | 2 & 3", q.system(q.any_of(1, q.all_of(2, 3)))),
        ("all_of(*range(1, 4)) | of(2, 3, 4, 5)", q.system(q.all_of(1, 2, 3) | q.of(2, 3, 4, 5))),
        ("system(writes=majority(3).writes & any_of(4, 5))", q.system(writes=q.of(2, 1, 2, 3) & q.any_of(4, 5))),
        ("weighing(2, {1: 2, 2: 1})", q.system(q.weighing(2, {1: 2, 2: 1}))),
        ("7", q.system(q.all_of(7))),
    ],
)
def test_expressions(text: str, system: q.QuorumSystem) -> None:
    assert system_of(text) == system
    assert q.minimal_quorums(system_of(repr(system.reads)).reads) == q.minimal_quorums(system.reads)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("majority(", "is no expression"),
        ("", "is no expression"),
        ("__import__('os').system('x')", "means nothing here|there is no"),
        ("open('x')", "there is no open"),
        ("majority", "means nothing here"),
        ("1 + 1", "means nothing here"),
        ("[1, 2]", "is no quorum system"),
        ("majority(3).__class__", "means nothing here"),
        ("(lambda: 1)()", "means nothing here"),
        ("majority(3, 4)", "positional"),
        ("grid(5)", "not iterable"),
        ("threshold(4, reads=1, writes=2)", "a read could miss a write"),
        ("all_of('a')", "nodes or their IDs"),
        ("(" * 1000 + "1" + ")" * 1000, "is no expression"),
        ("1 & " * 50_000 + "1", "too long"),
    ],
)
def test_what_is_no_system(text: str, problem: str) -> None:
    with pytest.raises(gorums.ConfigurationError, match=problem):
        system_of(text)


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "system.toml"
    path.write_text(
        'reads = "all_of(1, 2) | all_of(3, 4)"\nread_fraction = { "0.9" = 1, "0.5" = 3 }\n'
        "[capacity]\n1 = 2000\n2 = [4000, 2000]\n[latency]\n1 = 0.001\n"
    )
    described = read_file(path)
    assert described.system == q.system(q.all_of(1, 2) | q.all_of(3, 4))
    assert described.read_fraction == {0.9: 1, 0.5: 3}
    assert described.capacity == {1: 2000, 2: (4000, 2000)}
    assert described.latency == {1: 0.001}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("system", "cannot be read"),
        ("", "must say either system, or reads"),
        ('system = "majority(3)"\nreads = "1"', "must say either system, or reads"),
        ('sytem = "majority(3)"', "sytem means nothing"),
        ('reads = "of(2, 1, 2, 3, 4)"\nwrites = "of(2, 1, 2, 3, 4)"', "a read could miss a write"),
    ],
)
def test_wrong_files(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "system.toml"
    path.write_text(text)
    with pytest.raises(gorums.ConfigurationError, match=problem):
        read_file(path)
