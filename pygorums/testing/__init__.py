"""For tests of programs that use pygorums.

Replies without servers, for aggregations: an aggregation of one's own is a function of `pygorums.Responses`, and
`responses` makes some of what each node is to answer. `pygorums.testing.sync` does the same without asyncio.

Histories, for protocols: `History` records what clients asked for and got, of a simulation or of real servers, and
checks it against a `Model` of what it should look like.

Simulations: `check` runs a scenario, an async function of a `World`, with many seeds: several hosts in one thread,
under virtual time, on a network whose faults follow from the seed, so that a run that fails can be had again.
"""

from pygorums.testing import sync as sync
from pygorums.testing.history import History, NotExecutedError
from pygorums.testing.models import IMPOSSIBLE, Model, counter, kv, log, queue, register
from pygorums.testing.operations import Operation, Outcome
from pygorums.testing.responses import responses
from pygorums.testing.scripted import SILENT, Answer, Silence
from pygorums.testing.simulation.ambient import AuditError
from pygorums.testing.simulation.checking import Checked, check
from pygorums.testing.simulation.disk import Disk
from pygorums.testing.simulation.failure import DivergenceError, SimulationFailure
from pygorums.testing.simulation.hosts import Host
from pygorums.testing.simulation.loop import StuckError
from pygorums.testing.simulation.replicas import Replica
from pygorums.testing.simulation.world import ConditionError, World
from pygorums.testing.verdict import NotLinearizableError, UndecidedError, Verdict

__all__ = [
    "IMPOSSIBLE",
    "SILENT",
    "Answer",
    "AuditError",
    "Checked",
    "ConditionError",
    "Disk",
    "DivergenceError",
    "History",
    "Host",
    "Model",
    "NotExecutedError",
    "NotLinearizableError",
    "Operation",
    "Outcome",
    "Replica",
    "Silence",
    "SimulationFailure",
    "StuckError",
    "UndecidedError",
    "Verdict",
    "World",
    "check",
    "counter",
    "kv",
    "log",
    "queue",
    "register",
    "responses",
    "sync",
]
