"""Quorum systems: which nodes must have answered, where a number of them says too little.

    from pygorums import quorums as q

    system = q.zones({"a": [1, 2, 3], "b": [4, 5, 6], "c": [7, 8, 9]})
    replies = await read_qc(config, request, timeout=1).collect_quorum(system.reads)

An expression, made of node IDs by `all_of`, `any_of`, `of`, `weighing`, ``&`` and ``|``, says which sets of nodes are
quorums; a `QuorumSystem` has one for reads and one for writes, which always meet. All of it is immutable, and is best
made once.
"""

from pygorums.quorum.minimal import minimal_quorums, resilience
from pygorums.quorum.quorums import Quorums, all_of, any_of, of, weighing
from pygorums.quorums.constructors import (
    dissemination,
    grid,
    joint,
    majority,
    masking,
    system,
    threshold,
    weighted,
    zones,
)
from pygorums.quorums.systems import QuorumSystem
from pygorums.quorums.vouching import vouched

__all__ = [
    "QuorumSystem",
    "Quorums",
    "all_of",
    "any_of",
    "dissemination",
    "grid",
    "joint",
    "majority",
    "masking",
    "minimal_quorums",
    "of",
    "resilience",
    "system",
    "threshold",
    "vouched",
    "weighing",
    "weighted",
    "zones",
]
