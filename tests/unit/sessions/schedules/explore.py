"""Try schedules, and show the first that breaks a promise.

    python -m tests.unit.sessions.schedules.explore [SEEDS] [FIRST]

tries so many seeds of each set of faults.
"""

from __future__ import annotations

import sys
import time
from collections import Counter

from tests.unit.sessions.schedules.promise import broken_promises
from tests.unit.sessions.schedules.world import FAULTS, World

__all__ = ["FAULT_SETS"]

FAULT_SETS: tuple[tuple[str, ...], ...] = (
    (),
    *((fault,) for fault in FAULTS),
    ("abandon", "leave", "bound"),
    ("abandon", "down", "leave"),
    ("abandon", "replace", "elsewhere", "time", "evict"),
    ("abandon", "replace", "stop", "leave", "close"),
    FAULTS,
)


def main(seeds: int, first: int) -> int:
    """Try the seeds; how many of the sets of faults break a promise."""
    failed = 0
    for faults in FAULT_SETS:
        outcomes: Counter[str] = Counter()
        began, bad = time.monotonic(), 0
        for seed in range(first, first + seeds):
            world = World(seed, faults)
            world.run()
            outcomes.update(call.outcome or "none" for call in world.calls)
            if broken := broken_promises(world):
                bad += 1
                if bad == 1:
                    print(f"seed {seed} with {faults} breaks its promises:", *broken[:5], sep="\n    ")
                    print(*world.trace, sep="\n")
        rate = seeds / (time.monotonic() - began)
        told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
        print(
            f"{'+'.join(faults) or 'breaks only'}: {seeds} seeds ({rate:.0f}/s), {told}; {bad} break a promise",
            flush=True,
        )
        failed += bool(bad)
    return failed


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3]), *(1000, 0)[len(sys.argv) - 1 :]))
