"""One node, as a caller sees it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from pygorums.base.errors import ConfigurationError
from pygorums.base.pickling import Shared
from pygorums.base.timeout import sending_timeout
from pygorums.nodes.address import split_address
from pygorums.streams.channel import Channel

if TYPE_CHECKING:
    from pygorums.nodes.pool import Pool

__all__ = ["Node", "trouble"]


def trouble(node: Node) -> str:
    """Why there is no stream to a node, in words that follow its name and address."""
    error = node.last_error
    if error is None:
        return "no answer yet"
    return str(error).removeprefix(f"node {node.id}: ").replace(f" {node.address}: ", " ", 1)


class Node(Shared):
    """A server that can be called. Configurations make nodes; they compare by identity.

    Attributes:
        id: The node's ID: unique in its pool, from 1 to 2**32 - 1.
        address: ``host:port`` as it was given.
        host: The host of the address.
        port: The port of the address.
        channel: What carries calls to it (for the call functions).
        pool: The connections that it belongs to (for the call functions).
    """

    __slots__ = ("address", "channel", "host", "id", "pool", "port")

    def __init__(self, node_id: int, address: str, channel: Channel, pool: Pool) -> None:
        self.id = node_id
        self.channel = channel
        self.pool = pool
        self.address = address
        try:
            self.host, self.port = split_address(address)
        except ConfigurationError:  # a client that connected to us, by other means than TCP
            self.host, self.port = address, 0

    @property
    def latency(self) -> float | None:
        """The time from sending a request to its successful reply, in seconds; None before the first one.

        An exponentially weighted moving average in which a new sample has the weight 0.2. A request that had to
        wait, as for its stream to be opened, is measured with that time: see `Configuration.wait_connected`.
        """
        return self.channel.pending.latency

    @property
    def last_error(self) -> Exception | None:
        """Why the stream to the node broke or could not be opened last; None while it stands, and at first."""
        error = None if self.channel.connected else self.channel.last_error
        # A copy, for whoever raises one adds its traceback to it.
        return copy.copy(error)

    @property
    def pending(self) -> int:
        """How many calls wait for this node's reply."""
        return len(self.channel.pending)

    @property
    def connected(self) -> bool:
        """Whether there is a stream to the node at this moment."""
        return self.channel.connected

    @property
    def is_inbound(self) -> bool:
        """Whether the node opens the stream, so that calls to it travel back over that."""
        return self.channel.inbound

    async def wait_connected(self, timeout: float | None = None) -> None:
        """Wait until there is a stream to the node.

        Args:
            timeout: Seconds to wait at most; None waits as long as it takes.

        Raises:
            TimeoutError: It was not in time. The text says what kept it away.
            NodeClosedError: Its configuration was closed.
        """
        timeout = sending_timeout(timeout)
        await self.pool.wait_connected((self,), 1, timeout)

    def __eq__(self, other: object) -> bool:
        # As without it, but it tells type checkers that a comparison with an ID, as `in` makes it, is no mistake.
        return self is other

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        state = "connected" if self.connected else "closed" if self.channel.closed else "not connected"
        return f"<Node {self.id} {self.address} {state}>"
