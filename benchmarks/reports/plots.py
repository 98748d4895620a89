"""Plots of a sweep."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.measuring.measurement import Measurement

__all__ = ["plot"]


def plot(
    path: Path,
    title: str,
    values: Sequence[int],
    names: Sequence[str],
    medians: Mapping[tuple[int, str], Measurement],
) -> str:
    """Draw throughput and latency over what was varied.

    Returns:
        Why nothing was drawn; empty if it was.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        return "No plots were drawn: they need matplotlib (pip install 'pygorums[bench]')"
    # The same figures give the same file.
    with mpl.rc_context({"svg.hashsalt": "pygorums", "svg.fonttype": "none"}):
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        throughput, latency = figure.subplots(1, 2)
        for name in names:
            points = [(value, medians[value, name]) for value in values if (value, name) in medians]
            if not points:
                continue
            known = [(value, run.latency.p50 * 1e3) for value, run in points if run.latency and run.latency.p50]
            throughput.plot([value for value, _ in points], [run.throughput for _, run in points], ".-", label=name)
            latency.plot([value for value, _ in known], [p50 for _, p50 in known], ".-", label=name)
        for axes, label in ((throughput, "calls a second"), (latency, "median latency, ms")):
            if min(values) > 0:
                axes.set_xscale("log")
            else:
                axes.set_xscale("symlog", linthresh=min(value for value in values if value > 0))
            axes.set_yscale("log")
            axes.set_xlabel(title)
            axes.set_ylabel(label)
            axes.grid(visible=True, alpha=0.3)
        throughput.legend()
        figure.savefig(path, metadata={"Date": None})
    return ""
