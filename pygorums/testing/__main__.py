"""Running scenarios from the command line.

python -m pygorums.testing replay MODULE:SCENARIO SEED     a run that failed, once more
python -m pygorums.testing run MODULE:SCENARIO             many seeds
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from pygorums.testing.simulation.checking import check, replay, scenario_of
from pygorums.testing.simulation.failure import SimulationFailure
from pygorums.testing.simulation.running import Settings
from pygorums.testing.simulation.wires import WIRES

__all__ = ["main"]


def _latency(text: str) -> tuple[float, float]:
    low, _, high = text.partition(",")
    return float(low), float(high or low)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pygorums.testing", description="Run scenarios in simulation.")
    commands = parser.add_subparsers(dest="command", required=True)
    replaying = commands.add_parser("replay", help="run a scenario with one seed, and tell what happens")
    running = commands.add_parser("run", help="run a scenario with many seeds")
    for command in (replaying, running):
        command.add_argument("scenario", help="module:function, or path/to/file.py:function")
        command.add_argument("--latency", type=_latency, help="seconds that messages are on their way: LOW,HIGH")
        command.add_argument("--shuffle", action="store_true", help="shuffle what happens at the same moment")
        command.add_argument("--no-audit", action="store_true", help="allow threads, sockets and the like")
        command.add_argument("--longest", type=float, default=Settings().longest, help="simulated seconds of a run")
        command.add_argument("--wire", choices=list(WIRES), default=Settings().wire, help="what streams are")
        command.add_argument("--html", type=Path, help="where to write a picture of a run that fails")
    replaying.add_argument("seed", type=int)
    running.add_argument("--seeds", type=int, default=1000)
    running.add_argument("--budget", type=float, help="real seconds, instead of a number of seeds")
    running.add_argument("--processes", type=int)
    running.add_argument("--corpus", type=Path, help="a file of seeds that once failed")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program: 0 if the scenario is clean, 1 if it fails, 2 if it cannot be found."""
    given = _parser().parse_args(arguments)
    sys.path.insert(0, "")
    logging.getLogger("pygorums").addHandler(logging.NullHandler())  # thousands of runs have connections that break
    try:
        scenario = scenario_of(given.scenario)
    except (ImportError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    settings = Settings(given.latency, given.shuffle, not given.no_audit, given.longest, given.wire)
    try:
        if given.command == "replay":
            replay(scenario, given.seed, settings)
            print(f"seed {given.seed}: clean")
        else:
            checked = check(
                scenario,
                given.seeds,
                latency=given.latency,
                shuffle=given.shuffle,
                audit=not given.no_audit,
                longest=given.longest,
                wire=given.wire,
                budget=given.budget,
                processes=given.processes,
                corpus=given.corpus,
            )
            rate = checked.runs / checked.seconds * 60
            print(f"{checked.runs} seeds: clean, in {checked.seconds:.1f} s, {rate:,.0f} a minute")
    except SimulationFailure as failure:
        print(failure)
        if given.html is not None:
            failure.html(given.html)
            print(f"\npicture: {given.html}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
