"""What a process has used: time on the processors, and memory."""

import json
import os
import socket
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Usage", "resident_bytes"]

_STATM = Path("/proc/self/statm")


def resident_bytes() -> int:
    """The memory that this process occupies now; where that is not told, the most that it ever did; else 0."""
    if _STATM.exists():
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used so far.

    Attributes:
        process: Which process, of all on all machines.
        cpu: Seconds on the processors, of all its threads.
        memory: The bytes that it occupies.
    """

    process: str
    cpu: float
    memory: int

    @classmethod
    def now(cls) -> "Usage":
        """Of this process."""
        return cls(f"{socket.gethostname()}:{os.getpid()}", time.process_time(), resident_bytes())

    def encoded(self) -> bytes:
        """For the way to another process."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decoded(cls, data: bytes) -> "Usage":
        """What `encoded` gave."""
        return cls(**json.loads(data))
