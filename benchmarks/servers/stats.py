"""What a server measures between the start and the stop of a benchmark."""

import sys
import time
from array import array

from benchmarks.benchmark_pb2 import MemoryStat, Result
from benchmarks.measuring.usage import resident_bytes
from benchmarks.statistics.histogram import Histogram
from benchmarks.statistics.moments import Welford

__all__ = ["ServerStats"]


class ServerStats:
    """Latencies and memory since `start`.

    Python does not count allocations as Go does. What is told instead is by how many blocks and bytes the
    process has grown.

    Attributes:
        histogram: The latencies in nanoseconds of the last period that was stopped.
    """

    def __init__(self) -> None:
        self.histogram = Histogram()
        self.start()

    def start(self) -> None:
        """Begin anew."""
        self._latencies = array("q")
        self._blocks = sys.getallocatedblocks()
        self._bytes = resident_bytes()
        self._started_at = time.perf_counter_ns()

    def sent_at(self, unix_ns: int) -> None:
        """A message has arrived that was sent at this time."""
        self._latencies.append(time.time_ns() - unix_ns)

    def memory(self) -> MemoryStat:
        """By how much the process has grown."""
        return MemoryStat(
            allocs=max(sys.getallocatedblocks() - self._blocks, 0), memory=max(resident_bytes() - self._bytes, 0)
        )

    def stop(self) -> Result:
        """What was measured since the start."""
        total_time = time.perf_counter_ns() - self._started_at
        memory = self.memory()
        latencies, self._latencies = self._latencies, array("q")
        # Clocks of two machines may differ by more than a message takes.
        self.histogram = Histogram(max(latency, 0) for latency in latencies)
        moments = Welford(latencies).moments
        ops = max(moments.count, 1)
        return Result(
            total_ops=moments.count,
            total_time=total_time,
            throughput=moments.count / (total_time / 1e9) if total_time else 0.0,
            latency_avg=moments.mean,
            latency_var=moments.variance,
            allocs_per_op=memory.allocs // ops,
            mem_per_op=memory.memory // ops,
            server_stats=[memory],
        )
