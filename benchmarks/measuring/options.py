"""What is to be measured, and how."""

import re
from dataclasses import dataclass

from benchmarks.transports import GRPC

__all__ = ["Options", "Timing", "majority_of"]


def majority_of(count: int) -> int:
    """The smallest number of nodes that is more than half of them."""
    return count // 2 + 1


@dataclass(frozen=True, slots=True)
class Timing:
    """How long to measure.

    Attributes:
        seconds: Each run.
        warmup: Before the first run of each subject.
        rounds: How many runs of each.
    """

    seconds: float
    warmup: float
    rounds: int


@dataclass(frozen=True, slots=True)
class Options:
    """The command line, read and checked.

    Attributes:
        command: ``compare``, ``reach``, ``sweep``, ``serve`` or ``list``.
        cases: Whether to list the cases to be reached instead of the benchmarks.
        chosen: Matches the names of the benchmarks, or cases, to run.
        seconds: How long each run takes.
        warmup: Seconds before the first run of each subject.
        rounds: How many times everything runs; medians are told.
        concurrent: Numbers of callers.
        threads: The same where callers are threads.
        max_async: How many asynchronous calls are in flight.
        payload: Bytes of payload in requests and replies.
        config_size: How many nodes.
        quorum_size: How many replies a quorum call needs.
        remotes: Servers to measure; empty for local ones.
        server: Where to be a server.
        send_buffer: How many bytes may wait for a node.
        processes: In how many processes the local servers are; None for one each.
        baselines: Whether to measure the baselines.
        json: The file that gets all figures.
        output: The folder that a sweep writes to.
        uvloop: Whether client and local servers run on uvloop.
        profile: The file that gets the client's profile.
        transport: What client and local servers stand on.
    """

    command: str = "compare"
    cases: bool = False
    chosen: re.Pattern[str] = re.compile("")
    seconds: float = 1.0
    warmup: float = 0.1
    rounds: int = 3
    concurrent: tuple[int, ...] = (1, 50)
    threads: tuple[int, ...] = (1, 32)
    max_async: int = 1000
    payload: int = 0
    config_size: int = 3
    quorum_size: int = 2
    remotes: tuple[str, ...] = ()
    server: str = ""
    send_buffer: int = 64 << 20
    processes: int | None = None
    baselines: bool = True
    json: str | None = None
    output: str = ""
    uvloop: bool = False
    profile: str | None = None
    transport: str = GRPC

    @property
    def timing(self) -> Timing:
        """How long to measure."""
        return Timing(self.seconds, self.warmup, self.rounds)
