"""Clusters in the asyncio world and in the blocking one."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from tests.support.cluster import QUICK
from tests.support.plain_calls import PlainCalls, until
from tests.support.worlds import World

__all__ = ["PlainCluster"]


class PlainCluster:
    """Three servers, and a connected configuration of them, of one world.

    Attributes:
        services: what the servers serve, in order.
        addresses: where they listen, in order.
        config: all of them, with IDs from 1.
    """

    def __init__(self, world: World, stack: ExitStack) -> None:
        self._world = world
        self._stack = stack
        self.services = [PlainCalls(number) for number in (1, 2, 3)]
        self.servers = [self._server(service) for service in self.services]
        self.addresses: Sequence[str] = [server.address for server in self.servers]
        self.config = self.connect()

    def _server(self, service: PlainCalls) -> Any:
        server = self._stack.enter_context(self._world.using(lambda: self._world.api.Server(service)))
        self._world.do(lambda: server.start("127.0.0.1:0"))
        return server

    def connect(self, **options: Any) -> Any:
        """One more configuration of the three."""
        world = self._world
        options = {"backoff": QUICK, **options}
        config = self._stack.enter_context(world.using(lambda: world.api.connect(self.addresses, **options)))
        self._stack.callback(self._open_all)  # a connection that a handler keeps busy takes a second to close
        world.do(lambda: config.wait_connected(timeout=10))
        return config

    def _open_all(self) -> None:
        for service in self.services:
            service.end_waits()

    def nothing_is_pending(self) -> None:
        """No node has a call that somebody waits for."""
        until(lambda: self._world.do(lambda: [node.pending for node in self.config]) == [0, 0, 0], "nothing is pending")

    def all_have_seen(self, text: str) -> None:
        """Waits until a request with this text has come everywhere."""
        for service in self.services:
            service.has_seen(text)
