"""Calls to the fastest nodes, whose quorums still have a node in common with those of calls to all nodes.

A majority of a part is no majority of the whole: 2 of the 3 fastest of 5 nodes may be two nodes that missed a write
which 3 of the 5 took. So the number of replies is taken from all nodes, once, and passed to `threshold`; a part can be
called as long as it has that many nodes.
"""

from collections.abc import AsyncIterator, Callable

import pygorums as gorums
from examples.storage.quorum import majority, newest
from examples.storage.storage_gorums import read_qc
from examples.storage.storage_pb2 import ReadRequest, ReadResponse

__all__ = ["fastest", "keep_fastest", "quorum_of", "read_from_fastest"]


def quorum_of(config: gorums.Configuration) -> int:
    """How many replies any two calls need so that one node answers both: a majority of all nodes."""
    return majority(len(config))


def fastest(config: gorums.Configuration, n: int) -> gorums.Configuration:
    """The `n` nodes with the lowest latency; those that have an error, or were never measured, come last."""
    return config.sort_by(gorums.last_error, gorums.latency)[:n]


async def read_from_fastest(everybody: gorums.Configuration, key: str, *, timeout: float) -> ReadResponse:
    """Read a key from as few nodes as possible: the fastest that are a quorum of `everybody`.

    If one of them fails, the fastest of the others are asked, as long as there are enough.

    Raises:
        IncompleteError: Too few nodes are left.
    """
    quorum = quorum_of(everybody)
    candidates = everybody
    while True:
        try:
            part = fastest(candidates, quorum)
            return await _newest_of_all(read_qc(part, ReadRequest(key=key), timeout=timeout))
        except gorums.IncompleteError as error:
            candidates = candidates.without_errors(error)
            if len(candidates) < quorum:
                raise


async def _newest_of_all(responses: gorums.Responses[ReadResponse]) -> ReadResponse:
    replies = []
    async for response in responses:
        if response.error is not None:
            break  # the others may be slow, and will not be enough
        replies.append(response.value)
    if len(replies) < responses.size:
        raise gorums.IncompleteError.of(responses)
    return newest(replies)


async def keep_fastest(
    everybody: gorums.Configuration,
    interval: float,
    last_failure: Callable[[], gorums.QuorumCallError | None] = lambda: None,
) -> AsyncIterator[gorums.Configuration]:
    """The fastest quorum, and again each time it has become another one.

    Args:
        everybody: All nodes.
        interval: Seconds between looks. Measurements change slowly: a few seconds are often enough.
        last_failure: Gives the error of the latest call that failed, whose nodes are left out if enough others
            remain.
    """
    quorum = quorum_of(everybody)

    def derive(config: gorums.Configuration) -> gorums.Configuration:
        failure = last_failure()
        healthy = config if failure is None else config.without_errors(failure)
        return fastest(healthy if len(healthy) >= quorum else config, quorum)

    async for part in everybody.watch(interval, derive):
        yield part
