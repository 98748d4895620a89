"""Nodes that nobody can be reached at, for what configurations do without calls."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pygorums as gorums

# Nothing listens there: the discard port and its neighbours of the loopback address.
NOWHERE = [f"127.0.0.1:{port}" for port in range(9, 29)]


@asynccontextmanager
async def unreachable(n: int) -> AsyncIterator[gorums.Configuration]:
    """A configuration of the nodes 1 to n, whose connections do not come about."""
    async with gorums.connect(NOWHERE[:n], backoff=gorums.Backoff(initial=60, maximum=60)) as config:
        yield config
