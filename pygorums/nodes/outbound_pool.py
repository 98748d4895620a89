"""The nodes that a configuration connects to."""

from __future__ import annotations

import asyncio
import random
import ssl
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any
from weakref import WeakMethod

import grpc

from pygorums.base.backoff import Backoff
from pygorums.base.errors import ConfigurationError
from pygorums.base.observers import Observers
from pygorums.base.observing import CallObserver, checked_observers
from pygorums.base.session import Session, checked_session
from pygorums.nodes.address import numbered, same_address
from pygorums.nodes.changes import Changes
from pygorums.nodes.node import Node, Pool
from pygorums.streams.channel import Channel, RequestServer
from pygorums.streams.local import LocalChannel
from pygorums.streams.options import StreamOptions
from pygorums.streams.outbound import OutboundChannel
from pygorums.tasks.joined import Joined
from pygorums.transports.choosing import TransportName
from pygorums.transports.interface import Connector, OpenedTransport
from pygorums.transports.making import make_connector
from pygorums.wire.handshake import NODE_ID_KEY, Pairs

__all__ = ["OutboundPool", "pool_of"]

PING_TIMEOUT_MS = 20_000
"""How long a node may take to answer a ping: nodes that know no heartbeats are noticed by that alone."""


class OutboundPool(Pool):
    """Nodes that we connect to. Must be made, used and closed on one running event loop.

    What the engine runs does not hold on to it. Forgotten by all who have used it, it is collected with a
    ResourceWarning, and its connections are closed.

    Args:
        connector: What opens streams to an address.
        metadata: Sent when a stream is opened.
        send_buffer: How many bytes may wait for one node.
        backoff: The rhythm of reopening streams.
        session: How sessions with nodes are kept; None for none.
        options: What is agreed to on streams.
        interceptors: Wrapped around every call.
        server: Answers calls that nodes make back to us; its own node is called in the process.
        chance: All that is left to chance.
        observers: Who observes calls to the nodes.
    """

    def __init__(
        self,
        connector: Callable[[str], Connector],
        *,
        metadata: Pairs,
        send_buffer: int,
        backoff: Backoff,
        options: StreamOptions,
        interceptors: Sequence[Any],
        server: RequestServer | None,
        chance: random.Random,
        observers: Observers | None = None,
        session: Session | None = None,
    ) -> None:
        super().__init__(max_message=options.max_message, interceptors=interceptors, observers=observers)
        self.bind()
        identity = () if server is None else ((NODE_ID_KEY, str(server.node_id)),)
        self._user_metadata = (*metadata, *identity)
        self._metadata = (*self._user_metadata, *options.terms.offer())
        self._connector = connector
        self._chance = chance
        self._options = options
        self._send_buffer = send_buffer
        self._backoff = backoff
        self._session = session
        self._server = server
        self._leaving: dict[Node, Joined[None]] = {}  # which were removed, and are not closed yet
        if server is not None:
            server.add_watcher(self)

    def add(self, node_id: int, address: str) -> Node:
        """The node with an ID; if it is not there yet it is made, and connecting starts."""
        node = self._nodes.get(node_id)
        if node is None:
            node = Node(node_id, address, self._channel(node_id, address), self)
            self.put(node)
            self.happenings.added(node)
        return node

    def remove(self, node: Node, why: str) -> Joined[None]:
        """Forget a node now: calls to it fail, and are told why. What comes back waits until nothing of it is open."""
        leaving = Joined(partial(node.channel.close, why), f"pygorums node {node.id} removed")
        self.drop(node)
        self.happenings.removed(node)
        self._leaving[node] = leaving
        leaving.begin().add_done_callback(lambda _: self._leaving.pop(node, None))
        self.notify()
        return leaving

    def check_free(self, addresses: Mapping[int, str], nodes: Iterable[Node]) -> None:
        """Look whether these addresses can take the places of some of the nodes, whatever others there are.

        Raises:
            ConfigurationError: One of the others has such an ID or address already.
        """
        own = set(nodes)
        others = {node.id: node.address for node in self._nodes.values() if node not in own}
        numbered(addresses, others)

    def replaced(
        self, nodes: Iterable[Node], addresses: Mapping[int, str], own_id: int, whose: str
    ) -> tuple[list[Node], list[Joined[None]]]:
        """Nodes of these addresses instead of those. Who is among both is the same, and so is the own node.

        Returns:
            The nodes by ascending ID, and what waits until nothing is open of those that are none of them.
        """
        gone = [
            node
            for node in nodes
            if node.id != own_id
            and self._nodes.get(node.id) is node
            and not (node.id in addresses and same_address(node.address, addresses[node.id]))
        ]
        leaving = [self.remove(node, f"{node.address} was removed from {whose}") for node in gone]
        return [self.add(*each) for each in sorted(addresses.items())], leaving

    async def _close(self) -> None:
        await asyncio.gather(super()._close(), *(leaving() for leaving in self._leaving.values()))

    def changes(self, nodes: Iterable[Node]) -> Changes[Node]:
        """What happens to these nodes from now on, and to those that are added later."""
        others = frozenset(self._nodes.values()).difference(nodes)
        return self.happenings.read(lambda node: node not in others)

    def heard_from(self, node_id: int, /, *, new: bool) -> None:
        """A node has connected to our server, or called: if our own stream to it waits to be opened, it does so now."""
        node = self._nodes.get(node_id)
        if node is not None and isinstance(node.channel, OutboundChannel):
            node.channel.hasten(new=new)

    def _channel(self, node_id: int, address: str) -> OutboundChannel | LocalChannel:
        server = self._server
        if server is not None and node_id == server.node_id:
            return LocalChannel(node_id, server, metadata=self._user_metadata, limit=self._send_buffer)
        connect = self._connector(address)
        return OutboundChannel(
            node_id,
            address,
            connect if server is None else _Introducing(connect, partial(server.introduction, node_id, address)),
            metadata=self._metadata,
            send_buffer=self._send_buffer,
            options=self._options,
            backoff=self._backoff,
            session=self._session,
            on_change=_weakly(self._look, node_id),
            server=server,
            chance=self._chance,
        )

    def _look(self, node_id: int) -> None:
        node = self._nodes.get(node_id)
        if node is not None:
            self.happenings.look(node)
        self.notify()

    def __del__(self) -> None:
        loop = vars(self).get("loop")  # it is not there if it could not be made
        if loop is None or self._closed or loop.is_closed():
            return
        channels = [node.channel for node in self._nodes.values()]
        if all(channel.ended for channel in channels if isinstance(channel, OutboundChannel)):
            return  # together with the loop, though that is not closed yet
        with suppress(RuntimeError):  # the loop is closed at this moment; for this may run in any thread
            loop.call_soon_threadsafe(_close, channels)
        addresses = ", ".join(node.address for node in self._nodes.values())
        text = f"unclosed configuration of {addresses}: use it in a with statement, or close it"
        warnings.warn(text, ResourceWarning, stacklevel=2, source=self)


def pool_of(
    *,
    metadata: Pairs,
    credentials: ssl.SSLContext | grpc.ChannelCredentials | None,
    transport: TransportName | None,
    send_buffer: int,
    backoff: Backoff,
    session: Session | None,
    suspect_after: float | None,
    channel_options: Sequence[tuple[str, Any]],
    interceptors: Sequence[Any],
    server: RequestServer | None,
    observers: Sequence[CallObserver],
) -> OutboundPool:
    """A pool whose streams a transport carries, with TLS if there are credentials, and options of gRPC and of ours.

    Raises:
        ConfigurationError: The options, the credentials or the transport cannot be used, or not together.
    """
    if suspect_after is not None and not 1 <= suspect_after <= 100:
        raise ConfigurationError(f"suspect_after is a level from 1 to 100, not {suspect_after!r}")
    options = StreamOptions.of(channel_options, least_ping_timeout_ms=PING_TIMEOUT_MS)
    options = replace(options, suspect_after=suspect_after)
    return OutboundPool(
        make_connector(transport, credentials, dict(options.grpc)),
        metadata=metadata,
        send_buffer=send_buffer,
        backoff=backoff,
        session=checked_session(session),
        options=options,
        interceptors=interceptors,
        server=server,
        chance=random.SystemRandom(),
        observers=Observers(checked_observers(observers, "call")),
    )


class _Introducing:
    """Opens streams with metadata that are asked for each time, for what they say may change."""

    def __init__(self, connect: Connector, introduction: Callable[[], Pairs]) -> None:
        self._connect = connect
        self._introduction = introduction

    def __call__(self, metadata: Pairs, /) -> OpenedTransport:
        return self._connect((*metadata, *self._introduction()))


def _weakly(method: Callable[[int], None], argument: int) -> Callable[[], None]:
    """What calls a method as long as its object is there, and does not keep it there."""
    reference = WeakMethod(method)

    def call() -> None:
        bound = reference()
        if bound is not None:
            bound(argument)

    return call


def _close(channels: Sequence[Channel]) -> None:
    """Close the channels of a pool that is gone."""

    async def close_all() -> None:
        await asyncio.gather(*(channel.close() for channel in channels))

    Joined(close_all, "pygorums close").begin()
