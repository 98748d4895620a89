"""Trees of members: what goes to all goes to a few, who pass it on, and replies come back combined."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from pygorums.base.errors import ConfigurationError, SendError, StatusError
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.node import Node
from pygorums.streams.local import LocalChannel

__all__ = ["Tree"]

R = TypeVar("R")


class Tree:
    """The members of a configuration as a tree, as the own node stands in it.

    It is the same at all members if these have the same members, `fanout` and `root`. A handler that passes a request
    on needs to know the root: it belongs into the request.

    Args:
        config: The members, the own node among them: ``system.outbound``.
        fanout: How many children a node has, at most.
        root: The ID of the node that begins; by default the own one.

    Attributes:
        root: The root's ID.
        fanout: How many children a node has, at most.

    Raises:
        ConfigurationError: The root or the own node is not in the configuration.
        ValueError: The fanout is less than 1.
    """

    def __init__(self, config: Configuration, *, fanout: int = 4, root: int | None = None) -> None:
        if fanout < 1:
            raise ValueError(f"fanout is at least 1, not {fanout}")
        own = next((node.id for node in config if isinstance(node.channel, LocalChannel)), None)
        if own is None:
            raise ConfigurationError("the own node is not in this configuration: a tree is made of system.outbound")
        self.root = own if root is None else root
        if self.root not in config.node_ids:
            raise ConfigurationError(f"node {self.root} cannot be the root: there are {list(config.node_ids)}")
        self.fanout = fanout
        self._config = config
        self._own = own
        self._order = [self.root, *sorted(node_id for node_id in config.node_ids if node_id != self.root)]
        self._place = {node_id: place for place, node_id in enumerate(self._order)}

    @property
    def parent(self) -> Node | None:
        """Who passes on to us; None for the root."""
        place = self._place[self._own]
        return self._config.node(self._order[(place - 1) // self.fanout]) if place else None

    @property
    def children(self) -> Configuration:
        """Those to whom we pass on."""
        return self._only(self._children(self._own))

    def subtree(self, child: int) -> Configuration:
        """A node and all below it.

        Args:
            child: Its ID.

        Raises:
            ConfigurationError: There is no such node.
        """
        if child not in self._place:
            raise ConfigurationError(f"there is no node {child} in this tree: there are {sorted(self._place)}")
        found = [child]
        for node_id in found:
            found += self._children(node_id)
        return self._only(found)

    async def multicast(self, call: Callable[[Configuration, Any], Awaitable[None]], request: object) -> None:
        """Send a request to the children, and in the place of one that is down to its children.

        Args:
            call: A generated multicast function. Its handlers pass the request on in the same way.
            request: The request.
        """
        wanted = self._children(self._own)
        while wanted:
            failed: list[int] = []
            try:
                await call(self._only(wanted), request)
            except SendError as error:
                failed = [node_id for node_id in wanted if node_id in error.node_errors]
            wanted = [below for node_id in failed for below in self._children(node_id)]

    async def aggregate(
        self,
        call: Callable[[Node, Any], Awaitable[R]],
        request: object,
        combine: Callable[[Sequence[R]], R],
        own: R | None = None,
    ) -> R | None:
        """Call the children, and combine their replies; in the place of one that fails its children are called.

        Args:
            call: A generated RPC function, perhaps with a timeout (``functools.partial``): so long a node that is
                silent is waited for. Its handlers call their own children in the same way, and add what they have.
            request: The request.
            combine: Makes one reply of several. The order of them means nothing.
            own: What is to be combined with the replies, if there is something.

        Returns:
            What was combined; None if there was nothing to combine.
        """
        replies = await self._replies(self._children(self._own), call, request)
        if own is not None:
            replies.append(own)
        return combine(replies) if replies else None

    async def _replies(
        self, nodes: Sequence[int], call: Callable[[Node, Any], Awaitable[R]], request: object
    ) -> list[R]:
        async def of(node_id: int) -> list[R]:
            try:
                return [await call(self._config.node(node_id), request)]
            except StatusError:
                return await self._replies(self._children(node_id), call, request)

        return [reply for replies in await asyncio.gather(*map(of, nodes)) for reply in replies]

    def _children(self, node_id: int) -> list[int]:
        first = self._place[node_id] * self.fanout + 1
        return self._order[first : first + self.fanout]

    def _only(self, node_ids: Sequence[int]) -> Configuration:
        wanted = set(node_ids)
        return self._config.remove(*(node_id for node_id in self._config.node_ids if node_id not in wanted))

    def __repr__(self) -> str:
        return f"<tree of {len(self._order)} nodes, {self.fanout} below each, of node {self.root}>"
