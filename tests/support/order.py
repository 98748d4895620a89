"""In which order the files of tests run: those that take long first.

Workers take one file after the other. The last ones should be short, or one worker is busy at the end with a long one
while the others have nothing to do.
"""

from collections import Counter
from pathlib import Path

import pytest

__all__ = ["LONG", "ROOT", "long_ones_first"]

ROOT = Path(__file__).parents[2]

# Seconds rather than moments; many because of what they start.
LONG = (
    "tests/compiler/test_package.py",
    "tests/compiler/test_typing.py",
    "tests/simulation/test_sessions.py",
    "tests/simulation/test_promises.py",
    "tests/benchmarks/test_program.py",
    "tests/compiler/test_ways_in.py",
    "tests/robustness/test_bounds.py",
    "tests/robustness/test_order.py",
    "tests/robustness/test_sessions.py",
    "tests/examples/test_cluster.py",
    "tests/examples/test_protocols.py",
    "tests/examples/test_testing_page.py",
    "tests/examples/test_tutorial.py",
    "tests/examples/test_raft.py",
    "tests/examples/test_failover.py",
    "tests/examples/test_readme.py",
    "tests/robustness/test_liveness.py",
    "tests/robustness/test_running.py",
    "tests/behaviour/peers/test_own_node_load.py",
    "tests/behaviour/peers/test_processes.py",
    "tests/behaviour/telemetry/test_observed_calls.py",
    "tests/compiler/test_corpus.py",
    "tests/compiler/test_properties.py",
    "tests/compiler/test_regenerate.py",
    "tests/benchmarks/test_quorums.py",
)


def long_ones_first(items: list[pytest.Item]) -> None:
    """Sort tests by their files: the long ones as they are listed, then those with the most tests."""
    known = {ROOT / name: number for number, name in enumerate(LONG)}
    counts = Counter(item.path for item in items)
    items.sort(key=lambda item: (known.get(item.path, len(LONG)), -counts[item.path], str(item.path)))
