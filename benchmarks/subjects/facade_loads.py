"""What is measured of the blocking facade, `pygorums.sync`."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import pygorums.sync
from benchmarks.benchmark_gorums import quorum_call, start_benchmark, stop_benchmark
from benchmarks.benchmark_pb2 import Echo, StartRequest, StopRequest
from benchmarks.loads.outcome import Outcome, ThreadLoad
from benchmarks.loads.threads import closed_loop, window

__all__ = ["Facade"]


@dataclass(frozen=True, slots=True)
class Facade:
    """Quorum calls of the facade.

    Attributes:
        config: The nodes.
    """

    config: pygorums.sync.Configuration

    def quorum_call_load(self, quorum: int, callers: int, payload: int) -> ThreadLoad:
        """Threads that make quorum calls."""
        config, request = self.config, Echo(payload=bytes(payload))
        return self._with_growth(partial(closed_loop, lambda: quorum_call(config, request).threshold(quorum), callers))

    def async_quorum_call_load(self, quorum: int, in_flight: int, payload: int) -> ThreadLoad:
        """A number of quorum calls that one thread keeps in flight."""
        config, request = self.config, Echo(payload=bytes(payload))
        return self._with_growth(
            partial(window, lambda: quorum_call(config, request).async_threshold(quorum), in_flight)
        )

    def _with_growth(self, load: Callable[[float], Outcome]) -> ThreadLoad:
        """Let the servers measure their memory meanwhile."""

        def measured(seconds: float) -> Outcome:
            start_benchmark(self.config, StartRequest()).all()
            outcome = load(seconds)
            stats = stop_benchmark(self.config, StopRequest()).collect_all()
            return replace(outcome, growth=sum(stat.memory for stat in stats.values()))

        return measured
