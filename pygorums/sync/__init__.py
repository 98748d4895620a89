"""The blocking facade: pygorums without asyncio, for scripts, threads, notebooks and REPLs.

The names and their meaning are those of `pygorums`, without ``await``; generated functions take nodes and
configurations of either kind. One event-loop thread per process does the work. It is safe to use from several threads;
calls made by one thread keep their order. It must not be used in a running event loop, nor in a process that was forked
after it was used.
"""

from pygorums.sync.changes import Changes
from pygorums.sync.configuration import Configuration, Node, connect
from pygorums.sync.correctable import Correctable
from pygorums.sync.responses import Responses
from pygorums.sync.sequence import ResponseSeq
from pygorums.sync.server import Server, System, local_systems
from pygorums.sync.until_signal import run

__all__ = [
    "Changes",
    "Configuration",
    "Correctable",
    "Node",
    "ResponseSeq",
    "Responses",
    "Server",
    "System",
    "connect",
    "local_systems",
    "run",
]
