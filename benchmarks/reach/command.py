"""What pygorums has to reach, measured: figure, target, and whether it is reached."""

import sys
from collections.abc import Mapping

from benchmarks.measuring.alternation import Progress
from benchmarks.measuring.options import Options
from benchmarks.measuring.profiling import Profiler
from benchmarks.program import StartError
from benchmarks.reach.cases import Case, Figure, OwnCase, RatioCase
from benchmarks.reach.observed import OBSERVED
from benchmarks.reach.pending import PENDING
from benchmarks.reach.ratio_cases import RATIO_CASES
from benchmarks.reach.running import run_cases
from benchmarks.reach.sessions import SESSIONS
from benchmarks.reach.silent import SILENT
from benchmarks.reports.files import settings, write_json
from benchmarks.reports.machine import describe, machine
from benchmarks.reports.progress import progress_display
from benchmarks.reports.table import plain

__all__ = ["CASES", "reach"]

ALONE: tuple[OwnCase, ...] = (PENDING, SILENT, *OBSERVED, *SESSIONS)
"""Each is measured by itself."""

CASES: tuple[Case, ...] = (*RATIO_CASES, *ALONE)


async def reach(options: Options) -> None:
    """Measure the chosen cases and print what was found.

    Raises:
        StartError: It cannot be measured.
    """
    chosen = [case for case in CASES if options.chosen.search(case.name)]
    if not chosen:
        raise StartError(
            f"no case's name matches {options.chosen.pattern!r}: there are {', '.join(case.name for case in CASES)}"
        )
    cases = [case for case in chosen if options.uvloop or not (isinstance(case, RatioCase) and case.on_uvloop)]
    if not cases:
        raise StartError(f"{', '.join(case.name for case in chosen)} is measured with --uvloop")
    facts = machine()
    profiler = Profiler(options.profile)
    with progress_display() as progress:
        figures = await _measure(cases, options, progress, profiler)
    profiler.write()
    if options.json:
        found = {
            case.name: {"target": case.target, "figure": figure.text, "reached": figure.reached, **figure.details}
            for case, figure in figures.items()
        }
        write_json(options.json, {"machine": facts, "options": settings(options), "cases": found})
    if options.json == "-":
        return
    print(describe(facts))
    print(
        f"3 nodes, majority, no payload unless said; transport: {options.transport}; "
        f"medians of {options.rounds} runs of {options.seconds:g} s in turn"
    )
    print()
    rows = [("case", "target", "figure", "reached")]
    rows += [
        (case.name, case.target, figure.text, "yes" if figure.reached else "no") for case, figure in figures.items()
    ]
    print(plain(rows, left=3))
    if options.profile:
        print("The profiler was at work: these figures are not those of pygorums.", file=sys.stderr)


async def _measure(
    cases: list[Case], options: Options, progress: Progress, profiler: Profiler
) -> Mapping[Case, Figure]:
    """What the cases have given, in their order."""
    found: dict[Case, Figure] = {}
    # First, while the process is young: its memory is measured.
    for case in ALONE:
        if case in cases:
            progress.run(case.name)
            found[case] = await case.measure(options)
    ratios = [case for case in cases if isinstance(case, RatioCase)]
    if ratios:
        runs = await run_cases(ratios, options, progress, profiler)
        found |= {case: case.judge(runs) for case in ratios}
    return {case: found[case] for case in cases}
