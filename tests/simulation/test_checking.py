"""Many runs: what is found, how it is told, and how it is had again."""

import asyncio
import itertools
import os
import random
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from pygorums import testing
from pygorums.testing.__main__ import main
from pygorums.testing.simulation import checking
from pygorums.testing.simulation.checking import _run_chunk, scenario_of
from pygorums.testing.simulation.faults import Fault
from pygorums.testing.simulation.running import Runner, Settings
from pygorums.testing.simulation.shrinking import shrunk
from tests.simulation.protocols import RIGHT, WRONG, election
from tests.simulation.support import Echo, say

ROOT = Path(__file__).parents[2]


async def clean(world: testing.World) -> None:
    config = world.connect(await world.servers(1, lambda _: Echo()), host="client")
    await say(config, "hello")


async def unlucky(world: testing.World) -> None:
    await clean(world)
    async with world.faults(resets=4, pauses=4, over=0.1):
        await world.sleep(0.05)
    if world.random.random() > 0.9:
        raise AssertionError("bad luck")


async def needs_a_pause(world: testing.World) -> None:
    replicas = await world.servers(2, lambda _: Echo())
    async with world.faults(resets=6, pauses=2, partitions=6, over=0.2):
        for _ in range(50):
            await world.sleep(0.01)
            assert not replicas[0].host.paused, "it stands still"


calls = itertools.count()


async def divergent(world: testing.World) -> None:
    await asyncio.sleep(next(calls))


def test_a_clean_scenario() -> None:
    checked = testing.check(clean, seeds=25)
    assert checked.runs == 25
    assert testing.check(clean, seeds=[7, 8, 9]).runs == 3
    assert testing.check(clean, budget=0.2).runs > 1


def test_what_is_no_scenario() -> None:
    with pytest.raises(TypeError, match="a scenario is an async function of a World"):
        testing.check(lambda world: clean(world), seeds=1)


def test_a_failure_tells_all() -> None:
    with pytest.raises(testing.SimulationFailure) as caught:
        testing.check(unlucky, seeds=200, latency=(0.001, 0.002))
    failure = caught.value
    assert isinstance(failure.__cause__, AssertionError)
    text = str(failure)
    assert text.startswith(f"seed {failure.seed}: AssertionError: bad luck")
    assert f"replay tests.simulation.test_checking:unlucky {failure.seed} --latency 0.001,0.002" in text
    assert (failure.drawn, failure.faults) == (8, [])
    assert "client → s1: Ask" in text
    assert "s1 → client: Ask (reply), arrives at" in text
    # It is the same each time.
    for _ in range(3):
        with pytest.raises(testing.SimulationFailure) as again:
            testing.check(unlucky, seeds=[failure.seed], latency=(0.001, 0.002))
        assert str(again.value) == text


def test_faults_that_it_takes_stay() -> None:
    with pytest.raises(testing.SimulationFailure) as caught:
        testing.check(needs_a_pause, seeds=50)
    failure = caught.value
    assert [fault.kind for fault in failure.faults] == ["pause"]
    assert failure.drawn == 14
    assert "s1 stands still" in str(failure)


def test_a_picture_of_a_failure(tmp_path: Path) -> None:
    with pytest.raises(testing.SimulationFailure) as caught:
        testing.check(WRONG["a minority is taken for a quorum"], seeds=100)
    caught.value.html(tmp_path / "failure.html")
    text = (tmp_path / "failure.html").read_text("utf-8")
    svg = ET.fromstring(text[text.index("<svg") : text.index("</svg>") + 6])
    kinds = [each.get("class", "") for each in svg.iter()]
    assert any("culprit" in kind for kind in kinds)
    assert sum("arrow" in kind for kind in kinds) > 20
    names = [each.text for each in svg.iter() if each.get("class") == "name"]
    assert {"writer", "r1", "r2", "s1", "s2", "s3"} <= set(names)
    assert "not linearizable" in caught.value.timeline or "r1 has read" in caught.value.timeline


def test_what_does_not_follow_from_the_seed_is_found() -> None:
    with pytest.raises(testing.SimulationFailure, match="two runs with one seed differ at step") as caught:
        testing.check(divergent, seeds=20)
    assert isinstance(caught.value.__cause__, testing.DivergenceError)


def test_runs_are_the_same_in_other_processes_and_leave_nothing() -> None:
    program = (
        "import gc\n"
        "from tests.simulation.protocols import RIGHT\n"
        "from pygorums.testing.simulation.running import Runner, Settings\n"
        "for name in ('register', 'durable register', 'election'):\n"
        "    with Runner(RIGHT[name], Settings()).ready() as runner:\n"
        "        for seed in range(5):\n"
        "            print(runner.run(seed, steps=True).digest)\n"
        "gc.collect()\n"
        "print(sum(type(each).__name__ in ('SimulatedLoop', 'World', 'Replica') for each in gc.get_objects()))\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for hash_seed in ("1", "2")
    ]
    digests = [process.communicate(timeout=60)[0] for process in processes]
    assert digests[0] == digests[1]
    *runs, left = digests[0].split()
    assert len(set(runs)) == 15
    assert left == "0"


def test_failed_seeds_are_remembered(tmp_path: Path) -> None:
    corpus = tmp_path / "seeds"
    with pytest.raises(testing.SimulationFailure) as caught:
        testing.check(unlucky, seeds=200, corpus=corpus)
    assert corpus.read_text() == f"unlucky {caught.value.seed}\n"
    with pytest.raises(testing.SimulationFailure) as again:
        testing.check(unlucky, seeds=0, corpus=corpus)
    assert again.value.seed == caught.value.seed
    assert corpus.read_text().count("\n") == 1
    assert testing.check(clean, seeds=1, corpus=corpus).runs == 1


def test_several_processes() -> None:
    assert _run_chunk("tests.simulation.test_checking:clean", __file__, range(5), Settings()) == (5, None)
    with pytest.raises(testing.SimulationFailure, match="bad luck"):
        testing.check(unlucky, seeds=120, processes=2)


def test_options_go_before_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GORUMS_SEEDS", "3")
    assert testing.check(clean, seeds=1000).runs == 3
    monkeypatch.setenv("GORUMS_SEED", "77")
    assert testing.check(clean, seeds=1000).runs == 1
    monkeypatch.delenv("GORUMS_SEED")
    monkeypatch.setenv("GORUMS_BUDGET", "10")
    monkeypatch.setattr(checking, "_clock", itertools.count().__next__)  # a second for each look
    assert testing.check(clean, seeds=1).runs == 10


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    name = "tests.simulation.test_checking"
    assert main(["replay", f"{name}:clean", "5"]) == 0
    assert capsys.readouterr().out == "seed 5: clean\n"
    assert main(["run", f"{name}:clean", "--seeds", "3"]) == 0
    assert "3 seeds: clean" in capsys.readouterr().out
    picture = tmp_path / "failure.html"
    assert main(["run", f"{Path(__file__)}:unlucky", "--latency", "0.001,0.002", "--html", str(picture)]) == 1
    said = capsys.readouterr().out
    assert "bad luck" in said
    assert picture.exists()
    for wrong in ("nonsense", "nonsense:x", f"{name}:nonsense", "nonsense.py:x"):
        assert main(["replay", wrong, "1"]) == 2
    assert scenario_of(f"{name}:clean") is clean


def test_options_of_pytest(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "from pygorums import testing\n"
        "from tests.simulation.test_checking import clean, unlucky\n"
        "def test_runs():\n    assert testing.check(clean).runs == 4\n"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "pygorums_pytest", "--gorums-seeds", "4", str(tmp_path)]
    # Where the package is installed pytest knows the options already.
    command += ["-p", "no:pygorums"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_shrinking() -> None:
    faults = [Fault(number, "pause", 0.5, 1.0, number) for number in range(16)]
    tried = []

    def fails(some: Sequence[Fault], variant: int) -> tuple[bool, int]:
        tried.append(some)
        return {3, 11} <= {fault.choice for fault in some}, 100

    fewest, _ = shrunk(faults, fails, random.Random(1))
    assert [fault.number for fault in fewest] == [3, 11]
    assert [fault.lasts for fault in fewest] == [0, 0]
    assert len(tried) < 300
    assert shrunk([], lambda some, variant: (True, 1), random.Random(1)) == ([], 0)
    assert shrunk(faults, lambda some, variant: (variant == 2 or len(some) == 16, 1), random.Random(1)) == ([], 2)


def test_one_fault_may_do_what_took_two() -> None:
    faults = [Fault(number, "reset", 0.5, 1.0, number) for number in range(4)]

    def fails(some: Sequence[Fault], variant: int) -> tuple[bool, int]:
        choices = [fault.choice for fault in some]
        return {1, 2} <= set(choices) or any(choice % 16 == 9 for choice in choices), 100

    fewest, _ = shrunk(faults, fails, random.Random(1))
    assert len(fewest) == 1
    assert fewest[0].choice % 16 == 9


def test_shrinking_has_its_bounds() -> None:
    faults = [Fault(number, "pause", 0.5, 1.0, number) for number in range(16)]
    for steps, most in ((1, 301), (100_000, 3)):
        tries = itertools.count()

        def fails(some: Sequence[Fault], _: int, steps: int = steps, tries: Iterator[int] = tries) -> tuple[bool, int]:
            next(tries)
            return len(some) == 16, steps

        assert shrunk(faults, fails, random.Random(1))[0] == faults
        assert next(tries) <= most


def test_a_run_that_was_traced_is_the_same_run() -> None:
    scenario = election(forgetful=False)
    with Runner(scenario, Settings()).ready() as runner:
        plain, traced, stepped = runner.run(3), runner.run(3, trace=True), runner.run(3, steps=True)
    assert plain.steps == traced.steps == stepped.steps > 100
    assert plain.seconds == traced.seconds == stepped.seconds
    assert plain.events == []
    assert traced.digest != stepped.digest


def test_the_engine_logs_only_what_concerns_the_run_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    testing.check(RIGHT["counter"], 5)
    assert caplog.records == []
    with pytest.raises(testing.SimulationFailure) as caught:
        testing.check(WRONG["a retry is not idempotent"], 50)
    assert 0 < len(caplog.records) < 20
    assert {record.name.partition(".")[0] for record in caplog.records} == {"pygorums"}
    assert caught.value.faults
