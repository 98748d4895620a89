"""A quorum system as a table: its nodes, minimal quorums, resilience, load and capacity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import zip_longest

from pygorums.base.errors import ConfigurationError, counted
from pygorums.quorum.minimal import minimal_quorums, resilience
from pygorums.quorum.quorums import Quorums
from pygorums.quorums.meeting import shown
from pygorums.quorums.reading import Description

__all__ = ["table"]

SHOWN = 10
"""How many minimal quorums of a kind are listed."""

Row = tuple[str, str, str]


def table(description: Description) -> str:
    """Everything that is told of a quorum system, as text.

    Raises:
        ConfigurationError, ValueError: What is said of the nodes does not fit the system.
    """
    rows = [("", "reads", "writes"), *_rows(description)]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {row[2]}".rstrip() for row in rows]
    return "\n".join(lines)


def _rows(description: Description) -> Iterator[Row]:
    system = description.system
    yield "nodes", shown(system.reads.nodes), shown(system.writes.nodes)
    yield "needed", repr(system.reads), repr(system.writes)
    yield "resilience", str(resilience(system.reads)), str(resilience(system.writes))
    reads, writes = _quorums(system.reads), _quorums(system.writes)
    for number, (read, write) in enumerate(zip_longest(reads, writes, fillvalue="")):
        yield ("minimal quorums" if number == 0 else ""), read, write
    yield from _figures(description)


def _quorums(quorums: Quorums) -> Iterator[str]:
    try:
        found = minimal_quorums(quorums)
    except ConfigurationError as error:
        yield str(error)
        return
    sizes = Counter(len(quorum) for quorum in found)
    yield ", ".join(f"{count} of {counted(size, 'node')}" for size, count in sorted(sizes.items()))
    for quorum in found[:SHOWN]:
        yield f"  {shown(quorum)}"
    if len(found) > SHOWN:
        yield f"  and {len(found) - SHOWN} more"


def _figures(description: Description) -> Iterator[Row]:
    fractions = (1.0, 0.0) if description.read_fraction is None else (description.read_fraction,)
    description.system.check_nodes([*description.capacity, *description.latency])
    try:
        best = [
            description.system.strategy(each, capacity=description.capacity, latency=description.latency or None)
            for each in fractions
        ]
    except (ImportError, ConfigurationError) as error:  # there may be too many quorums to compare
        yield "load, capacity", f"– ({error})", ""
        return
    names = ["", ""] if len(best) == 2 else ["", f"({_fraction(description.read_fraction)})"]
    columns = [*best, None][:2]
    for name, digits in (("load", ".6g"), ("capacity", ".6g"), ("network", ".3g"), ("latency", ".6g")):
        if name == "latency" and not description.latency:
            continue
        cells = ["" if strategy is None else format(getattr(strategy, name), digits) for strategy in columns]
        yield name, cells[0], cells[1] or (names[1] if len(best) == 1 else "")


def _fraction(fraction: object) -> str:
    return (
        "for all calls, by their mix" if isinstance(fraction, dict) else f"for all calls, of which {fraction:.0%} read"
    )
