"""What the replies of several replicas mean together."""

from collections.abc import Iterable

import pygorums as gorums
from examples.storage.moments import moment
from examples.storage.storage_pb2 import ReadResponse, WriteResponse

__all__ = ["majority", "newest", "read_newest", "written_by_majority"]


def majority(size: int) -> int:
    """How many of `size` replicas are a majority: any two majorities have a replica in common."""
    return size // 2 + 1


def newest(replies: Iterable[ReadResponse]) -> ReadResponse:
    """The reply with the newest value; one that says "not found" only if they all do.

    Raises:
        ValueError: There are no replies.
    """
    return max(replies, key=lambda reply: (reply.OK, moment(reply.time)))


async def read_newest(responses: gorums.Responses[ReadResponse]) -> ReadResponse:
    """Read a key: wait for all replicas that can answer, and return the newest reply.

    Raises:
        IncompleteError: No replica answered.
    """
    replies = [response.value async for response in responses.ignore_errors()]
    if not replies:
        raise gorums.IncompleteError.of(responses)
    return newest(replies)


async def written_by_majority(responses: gorums.Responses[WriteResponse]) -> bool:
    """Write a key: whether a majority took the value.

    Waits no longer than until that is certain. False means that a majority answered and too many have a newer value.

    Raises:
        IncompleteError: A majority neither took the value nor answered at all.
    """
    needed = majority(responses.size)
    taken = refused = 0
    async for response in responses.ignore_errors():
        if response.value.new:
            taken += 1
        else:
            refused += 1
        if taken >= needed:
            return True
        if refused > responses.size - needed:
            return False
    if taken + refused >= needed:
        return False
    raise gorums.IncompleteError.of(responses)
