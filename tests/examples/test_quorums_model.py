"""The model behind the guide's picture of quorum systems, and what it shows."""

import pytest

from examples.quorums.__main__ import SUBJECTS, curve, main
from examples.quorums.model import Subject, play
from pygorums import quorums as q


def test_the_same_seed_plays_the_same_calls() -> None:
    subject = SUBJECTS[1]
    assert play(subject, 0.5, 300) == play(subject, 0.5, 300)
    assert play(subject, 0.5, 300) != play(subject, 0.5, 300, seed=2)


def test_every_call_is_decided() -> None:
    for subject in SUBJECTS:
        assert len(play(subject, 0.3, 200).latencies) == 200


def test_who_is_asked() -> None:
    assert play(Subject("all", q.majority(5).reads), 0.3, 200).requests == 5
    assert play(Subject("bare", q.majority(5).reads, hedge=1e9), 0.3, 200).requests == 3
    hedged = play(Subject("hedged", q.majority(5).reads, hedge=6), 0.3, 2000)
    assert 3 < hedged.requests < 3.3


def test_what_is_asked_of_fewer_goes_further() -> None:
    last = {subject.name: curve(subject, (0.2, 0.8, 1.3, 2.6), 1000)[-1][0] for subject in SUBJECTS}
    assert last == {"majority, all asked": 0.8, "majority, hedged": 0.8, "grid, all asked": 0.8, "grid, hedged": 1.3}


def test_it_is_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--calls", "100"]) == 0
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == [each.name for each in SUBJECTS]
