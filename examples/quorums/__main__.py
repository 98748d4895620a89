"""``python -m examples.quorums``: how latency grows with load for some quorum systems; ``--output`` draws it."""

import argparse
import sys
from collections.abc import Sequence

from examples.quorums.model import Outcome, Subject, play
from pygorums import quorums as q

__all__ = ["SUBJECTS", "main"]

NODES = range(1, 10)
GRID = q.grid([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
SUBJECTS = (
    Subject("majority, all asked", q.majority(NODES).reads),
    Subject("majority, hedged", q.majority(NODES).reads, hedge=8.0),
    Subject("grid, all asked", GRID.reads),
    Subject("grid, hedged", GRID.reads, hedge=8.0),
)
RATES = tuple(step / 20 for step in range(1, 48, 2))
"""Calls that come while a node handles one request."""

TOO_SLOW = 60.0
"""Where nodes fall behind ever more is not drawn: a p99 of so many times what a request takes."""

Curve = list[tuple[float, Outcome]]


def curve(subject: Subject, rates: Sequence[float], calls: int) -> Curve:
    """What comes of ever more calls, until they are more than the nodes can handle."""
    points: Curve = []
    for rate in rates:
        outcome = play(subject, rate, calls)
        if outcome.percentile(0.99) > TOO_SLOW:
            break
        points.append((rate, outcome))
    return points


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, and draw or tell; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m examples.quorums", description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000, help="how many calls for each point (20000)")
    parser.add_argument("--output", metavar="FILE", help="draw to this file, such as load.svg; needs matplotlib")
    given = parser.parse_args(arguments)
    curves = {subject.name: curve(subject, RATES, given.calls) for subject in SUBJECTS}
    for name, points in curves.items():
        print(f"{name}: up to {points[-1][0]:g} calls, of which each asks {points[0][1].requests:.2f} nodes")
    if given.output is None:
        return 0
    return _draw(curves, given.output)


def _draw(curves: dict[str, Curve], output: str) -> int:
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        print("to draw needs matplotlib: pip install matplotlib", file=sys.stderr)
        return 1
    with mpl.rc_context({"svg.hashsalt": "pygorums", "svg.fonttype": "none"}):  # the same file each time
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        for axes, part, label in zip(figure.subplots(1, 2), (0.5, 0.99), ("p50", "p99"), strict=True):
            for name, points in curves.items():
                axes.plot([rate for rate, _ in points], [each.percentile(part) for _, each in points], ".-", label=name)
            axes.set_xlabel("calls that come while a node handles one request")
            axes.set_ylabel(f"latency {label}, in such times")
            axes.set_yscale("log")
            axes.set_yticks([1, 2, 5, 10, 20, 50])
            axes.yaxis.set_major_formatter("{x:g}")
            axes.minorticks_off()
            axes.grid(alpha=0.3)
        figure.axes[0].legend(fontsize="small")
        figure.savefig(output, metadata={"Date": None})
    print(f"drawn to {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
