"""Many runs of a scenario, and what is said of the first one that fails."""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import logging
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from pygorums.testing.simulation.failure import SimulationFailure, compared, replay_command, target_of
from pygorums.testing.simulation.faults import Fault
from pygorums.testing.simulation.running import Run, Runner, Scenario, Settings
from pygorums.testing.simulation.shrinking import shrunk
from pygorums.testing.simulation.wires import WIRES, WireName

__all__ = ["Checked", "check", "replay", "scenario_of"]

TWICE_EVERY = 20
"""Every so many seeds one is run twice, to see whether the same happens."""

CHUNK = 50
"""Seeds that a process gets at once."""

_clock = time.perf_counter  # the real one


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check that found nothing has done.

    Attributes:
        runs: How many seeds were run.
        seconds: How many real seconds it took.
    """

    runs: int
    seconds: float


def check(
    scenario: Scenario,
    seeds: int | Iterable[int] = 1000,
    *,
    latency: tuple[float, float] | None = None,
    shuffle: bool = False,
    audit: bool = True,
    longest: float = 3600.0,
    wire: WireName = "messages",
    budget: float | None = None,
    processes: int | None = None,
    corpus: str | Path | None = None,
) -> Checked:
    """Run a scenario with many seeds, and fail with the first one for which it fails.

    The options ``--gorums-seed``, ``--gorums-seeds``, ``--gorums-budget`` and ``--gorums-processes`` of pytest go
    before the arguments.

    Args:
        scenario: An async function of a `World`.
        seeds: How many, from 0, or which.
        latency: The range in seconds of the time that each message is on its way; by default it is another one for each
            seed.
        shuffle: Whether chance decides which host is next where several have something to do at the same moment.
        audit: Whether threads, sockets, processes and real sleeps are refused, with an error that names the line.
        longest: Simulated seconds after which a run has failed, as one that would never end.
        wire: What streams are. "messages": what the engine writes is on its way as it is. "http2": the bytes of HTTP/2
            are, in parts, as over TCP; that takes three times as long, and tries that transport, too.
        budget: Real seconds after which no further seed is begun; if given, there is no limit to the seeds.
        processes: How many processes run seeds; by default, in this one. The scenario must be at the top of a module.
        corpus: A file of seeds that once failed, which are run first, and to which one that fails is added.

    Raises:
        SimulationFailure: It failed for a seed.
        TypeError: `scenario` is not an async function.
        ValueError: There is no such wire.
    """
    __tracebackhide__ = True  # pytest shows what failed, and not this
    if wire not in WIRES:
        raise ValueError(f"there is no wire {wire!r}: there are {' and '.join(map(repr, WIRES))}")
    settings = Settings(latency, shuffle, audit, longest, wire)
    environment = os.environ
    began = _clock()
    kept = Path(corpus) if corpus is not None else None
    if (one := environment.get("GORUMS_SEED")) is not None:
        chosen: Iterable[int] = [int(one)]
    else:
        budget = float(environment["GORUMS_BUDGET"]) if "GORUMS_BUDGET" in environment else budget
        seeds = int(environment["GORUMS_SEEDS"]) if "GORUMS_SEEDS" in environment else seeds
        fresh = (itertools.count() if budget is not None else range(seeds)) if isinstance(seeds, int) else seeds
        chosen = itertools.chain(_remembered(kept, scenario), fresh)
        processes = int(environment["GORUMS_PROCESSES"]) if "GORUMS_PROCESSES" in environment else processes
    deadline = None if budget is None else began + budget
    runs = 0
    try:
        if processes is not None and processes > 1 and target_of(scenario) is not None:
            for count, seed in _spread(scenario, settings, chosen, deadline, processes):
                runs += count
                if seed is not None:
                    replay(scenario, seed, settings)
        else:
            with Runner(scenario, settings).ready() as runner, _quiet():
                for seed in chosen:
                    if deadline is not None and _clock() > deadline:
                        break
                    _run(runner, seed, runs)
                    runs += 1
    except SimulationFailure as failure:
        _remember(kept, scenario, failure.seed)
        raise
    return Checked(runs, _clock() - began)


def replay(scenario: Scenario, seed: int, settings: Settings = Settings()) -> None:  # noqa: B008 - it is immutable
    """Run a scenario with one seed, twice.

    Raises:
        SimulationFailure: It fails.
    """
    __tracebackhide__ = True
    with Runner(scenario, settings).ready() as runner, _quiet():
        _run(runner, seed, 0)


@contextmanager
def _quiet(*, quiet: bool = True) -> Iterator[None]:
    """Have the engine log nothing: in thousands of runs thousands of connections break. Or have it log again."""
    logger = logging.getLogger("pygorums")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1 if quiet else logging.NOTSET)
    try:
        yield
    finally:
        logger.setLevel(before)


def _run(runner: Runner, seed: int, index: int) -> None:
    __tracebackhide__ = True
    twice = index % TWICE_EVERY == 0
    run = runner.run(seed, steps=twice)
    if twice:
        again = runner.run(seed, steps=True)
        divergence = compared(run.events, again.events)
        if divergence is not None:
            run.error = divergence
            run.events = [event for event in run.events if event.kind != "step"]
            raise SimulationFailure(
                run, run.faults, replay_command(runner.scenario, seed, runner.settings)
            ) from divergence
    if run.error is not None:
        raise _failure(runner, run) from run.error


def _failure(runner: Runner, run: Run) -> SimulationFailure:
    """What is said of a run that fails: of one that fails as it does, with as few faults as can be."""
    drawn, kind = list(run.faults), type(run.error)

    def instead(faults: Sequence[Fault]) -> dict[int, Fault | None]:
        return {fault.number: fault for fault in faults}

    def fails(faults: Sequence[Fault], variant: int) -> tuple[bool, int]:
        again = runner.run(run.seed, instead=instead(faults), variant=variant)
        return type(again.error) is kind, again.steps

    fewest, variant = shrunk(drawn, fails, random.Random(f"{run.seed} shrinking"))
    with _quiet(quiet=False):
        final = runner.run(run.seed, trace=True, instead=instead(fewest), variant=variant)
    if final.error is None:  # it does not follow from the seed
        final = run
    return SimulationFailure(final, drawn, replay_command(runner.scenario, run.seed, runner.settings))


def _remembered(corpus: Path | None, scenario: Scenario) -> Iterator[int]:
    """The seeds of a corpus: a line each, with the name of the scenario."""
    if corpus is not None and corpus.exists():
        for line in corpus.read_text("utf-8").splitlines():
            words = line.split()
            if len(words) == 2 and words[0] == getattr(scenario, "__qualname__", ""):
                yield int(words[1])


def _remember(corpus: Path | None, scenario: Scenario, seed: int) -> None:
    if corpus is not None and seed not in set(_remembered(corpus, scenario)):
        with corpus.open("a", encoding="utf-8") as file:
            file.write(f"{getattr(scenario, '__qualname__', '')} {seed}\n")


def _spread(
    scenario: Scenario, settings: Settings, seeds: Iterable[int], deadline: float | None, processes: int
) -> Iterator[tuple[int, int | None]]:
    """Run seeds in processes: how many were run, and one that failed, if any did, again and again."""
    target = target_of(scenario)
    assert target is not None
    left = iter(seeds)
    done, began = 0, _clock()
    total = len(seeds) if isinstance(seeds, Sequence) else None
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, spawn, _enter, (list(sys.path),)) as pool:
        waiting: set[Future[tuple[int, int | None]]] = set()
        while True:
            while len(waiting) < 2 * processes and (deadline is None or _clock() < deadline):
                chunk = list(itertools.islice(left, CHUNK))
                if not chunk:
                    break
                file = getattr(getattr(scenario, "__code__", None), "co_filename", "")
                waiting.add(pool.submit(_run_chunk, target, file, chunk, settings))
            if not waiting:
                break
            finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for each in finished:
                count, failed = each.result()
                done += count
                _progress(done, total, began)
                if failed is not None:
                    for other in waiting:
                        other.cancel()
                yield count, failed
    if sys.stderr.isatty():
        sys.stderr.write("\n")


def _progress(done: int, total: int | None, began: float) -> None:
    if not sys.stderr.isatty():
        return
    rate = done / max(_clock() - began, 1e-9) * 60
    bar = "" if total is None else f"[{'#' * (30 * done // total):30}] "
    sys.stderr.write(f"\r{bar}{done} seeds, {rate:,.0f} a minute ")
    sys.stderr.flush()


def _enter(path: list[str]) -> None:
    sys.path[:] = path
    for name in ("GORUMS_SEED", "GORUMS_SEEDS", "GORUMS_PROCESSES", "GORUMS_BUDGET"):
        os.environ.pop(name, None)


def _run_chunk(target: str, file: str, seeds: Sequence[int], settings: Settings) -> tuple[int, int | None]:
    """Run seeds, in a process of its own: how many, and the one that failed."""
    with Runner(scenario_of(target, file), settings).ready() as runner, _quiet():
        for index, seed in enumerate(seeds):
            try:
                run = runner.run(seed, steps=index == 0)
                if index == 0 and compared(run.events, runner.run(seed, steps=True).events) is not None:
                    return index + 1, seed
            except Exception:
                return index + 1, seed
            if run.error is not None:
                return index + 1, seed
    return len(seeds), None


def scenario_of(target: str, file: str = "") -> Scenario:
    """The scenario that ``module:function`` or ``path/to/file.py:function`` names.

    Args:
        target: That.
        file: Where the module is, if it cannot be imported by its name.

    Raises:
        ValueError: There is none.
    """
    module_name, colon, function = target.rpartition(":")
    if not colon or not function:
        raise ValueError(f"a scenario is named as module:function, not as {target!r}")
    if module_name.endswith(".py"):
        file, module_name = module_name, Path(module_name).stem
        module = None
    else:
        try:
            module = importlib.import_module(module_name)
        except ImportError:
            if not file:
                raise
            module = None
    if module is None:
        spec = importlib.util.spec_from_file_location(module_name, file)
        if spec is None or spec.loader is None or not Path(file).exists():
            raise ValueError(f"there is no module {file}")
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        spec.loader.exec_module(module)
    found: object = module
    for name in function.split("."):
        found = getattr(found, name, None)
    if not callable(found):
        raise ValueError(f"{module_name} has no scenario {function}")
    return cast("Scenario", found)
