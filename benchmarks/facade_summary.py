"""What the blocking facade costs, in a few lines below the table."""

from collections.abc import Iterator, Sequence

from benchmarks.comparison import Row
from benchmarks.ratios import latency_of, ratio_of

__all__ = ["facade_summary"]


def facade_summary(rows: Sequence[Row]) -> list[str]:
    """How a single call, threads and futures of the facade compare with what they are measured against, if they are."""
    lines = list(_lines(rows))
    return ["pygorums.sync, the blocking facade:", *lines] if lines else []


def _lines(rows: Sequence[Row]) -> Iterator[str]:
    found = {(row.name, row.in_flight): row for row in rows}
    one, same = found.get(("SyncQuorumCall", 1)), found.get(("QuorumCall", 1))
    if one is not None and same is not None:
        longer = ratio_of(one.runs, same.runs, latency_of)
        yield f"  a call of a single thread takes {longer:.2f} × as long as with asyncio (p50)"
    for row in rows:
        if row.name == "SyncQuorumCall" and row.in_flight > 1 and "C" in row.ratios:
            yield f"  {row.in_flight:,} threads make {row.ratios['C']:.2f} × the calls of C"
        if row.name == "SyncAsyncQuorumCall" and "asyncio" in row.ratios:
            yield f"  {row.in_flight:,} in flight by futures are {row.ratios['asyncio']:.2f} × the calls/s of asyncio"
