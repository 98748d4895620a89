"""Who is connected to a server: known peers, and clients that serve calls made back to them."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from weakref import WeakKeyDictionary

import grpc

from pygorums.base.errors import ConfigurationError, StatusError
from pygorums.base.observers import Observers
from pygorums.nodes.changes import Changes
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.members import Members
from pygorums.nodes.node import Node, Pool
from pygorums.streams.channel import PeerWatcher, RequestServer
from pygorums.streams.inbound import InboundChannel
from pygorums.streams.local import LocalChannel
from pygorums.streams.pending import PendingCalls
from pygorums.streams.send_queue import SendQueue
from pygorums.wire.framing import SERVER_INITIATED
from pygorums.wire.handshake import MAX_NODE_ID, Pairs

__all__ = ["FIRST_CLIENT_ID", "Peers"]

FIRST_CLIENT_ID = 1 << 20
"""Clients that serve calls without having a node ID of their own get IDs from here upward."""

SEND_BUFFER = 64 << 20
"""How many bytes of calls may wait for one peer or client."""

NOT_ASYNCHRONOUS = "on_config_change must be a plain function, which may start a task: nobody awaits it"

_log = logging.getLogger("pygorums.server")


class Peers:
    """Keeps the configurations of a server up to date.

    The known peers keep their nodes, whether they are connected or not, for as long as they are known; a client's node
    lasts as long as its stream.

    Args:
        server: The server, which is a node of its own configuration if it has an ID.
        own_id: That ID; 0 for none.
        addresses: The known peers' addresses by ID.
        max_message: The largest message in bytes that is sent to them.
        on_config_change: Called with the new configuration of known peers after each change, and at the server's start.
        observers: Who observes calls to them.

    Attributes:
        members: Who the known peers are, and the own node.
    """

    def __init__(
        self,
        server: RequestServer,
        own_id: int,
        addresses: Mapping[int, str],
        *,
        max_message: int,
        on_config_change: Callable[[Configuration], object] | None,
        observers: Observers,
    ) -> None:
        self.members = Members(own_id, addresses)
        self._on_config_change = on_config_change
        self._pool = Pool(max_message=max_message, first_seq_no=SERVER_INITIATED | 1, observers=observers)
        self._known: dict[int, Node] = {}
        self._connected: dict[int, Node] = {}  # the known peers with a stream, and the own node
        self._clients: dict[int, Node] = {}
        self._next_client_id = FIRST_CLIENT_ID
        self._watchers: WeakKeyDictionary[PeerWatcher, None] = WeakKeyDictionary()  # in the order in which they came
        for node_id in addresses:
            self._know(node_id)
        if own_id:
            local = LocalChannel(own_id, server, metadata=(), limit=SEND_BUFFER)
            own = Node(own_id, addresses.get(own_id, "local"), local, self._pool)
            self._known[own_id] = self._connected[own_id] = own
            self._pool.put(own)
            self._pool.happenings.added(own)
        self._config = self._configuration(self._connected)
        self._client_config: Configuration | None = None  # until somebody asks for it

    @property
    def config(self) -> Configuration:
        """The known peers that are connected, and the own node, by ascending ID."""
        return self._config

    @property
    def client_config(self) -> Configuration:
        """The clients that serve calls, by ascending ID."""
        # Made when it is asked for: there may be thousands of clients, each of which changes it twice.
        if self._client_config is None:
            self._client_config = self._configuration(self._clients)
        return self._client_config

    def bind(self) -> None:
        """Handlers may ask for the configurations from now on, in whatever thread: they belong to this event loop."""
        self._pool.bind()

    def add_watcher(self, watcher: PeerWatcher) -> None:
        """Have somebody told when a known peer has connected, for as long as it is there."""
        self._watchers[watcher] = None

    def begin(self) -> None:
        """The server starts: tell of the configuration as it is, which has the own node."""
        self.bind()
        if self.members.own_id:
            self._tell_change()

    def replace(self, addresses: Mapping[int, str], epoch: int) -> list[Node]:
        """Know others from now on. Those who are known by another address than before are others, too.

        Returns:
            The nodes of those who are not known any more.

        Raises:
            ConfigurationError: A client was given an ID that is to be a peer's; nothing has changed then.
        """
        if taken := self._clients.keys() & addresses.keys():
            raise ConfigurationError(f"node {min(taken)} cannot be a peer: a client that is connected has that ID")
        before, members = self.members.addresses, self.members
        others = [each for each in {*before, *addresses} if each != members.own_id and members.differs(each, addresses)]
        others.sort()
        gone = [self._known[node_id] for node_id in others if node_id in before]
        lost = [node for node in gone if node.connected]
        members.addresses, members.epoch = addresses, epoch
        for node in gone:
            _inbound(node).shut(f"{node.address} was removed from the peers of this server")
            self._pool.happenings.removed(node)
            del self._known[node.id]
            self._connected.pop(node.id, None)
            if self._pool.nodes.get(node.id) is node:
                self._pool.drop(node)
        for node_id in others:
            if node_id in addresses:
                self._know(node_id)
                self._pool.happenings.added(self._known[node_id])
        if lost:
            self._known_changed()
        else:
            self.wake()
        return gone

    def _know(self, node_id: int) -> None:
        if node_id != self.members.own_id:
            address = self.members.addresses[node_id]
            self._known[node_id] = self._node(node_id, address, f"peer {address}")

    def changes(self) -> Changes[Node]:
        """What happens to the known peers from now on."""
        return self._pool.happenings.read(lambda node: self._known.get(node.id) is node)

    async def changed(self) -> None:
        """Wait for the next change of either configuration."""
        await self._pool.changed()

    def wake(self) -> None:
        """Wake those who wait for a change, so that they see that something else has changed."""
        self._pool.notify()

    def node_of(self, claim: int | None, address: str, metadata: Pairs) -> Node | None:
        """The node of a stream's opener; None if it is an ordinary client, which is not called back.

        It claims a node ID, 0 as a client that serves calls, or None, from a network address, and has sent metadata.

        Raises:
            StatusError: All IDs for clients have been given away.
        """
        if claim is None:
            return None
        if claim == 0:
            return self._node(self._new_client_id(), address, f"client {address}")
        self.members.compare(claim, address, metadata)
        # Nobody can be us, whatever they say: that would take our own node away.
        return self.known(claim)

    def known(self, node_id: int) -> Node | None:
        """The node of a known peer, the own one not among them."""
        return None if node_id == self.members.own_id else self._known.get(node_id)

    def _new_client_id(self) -> int:
        """An ID that no client has had yet, and no peer has."""
        node_id = self._next_client_id
        while node_id in self.members.addresses or node_id == self.members.own_id:
            node_id += 1
        if node_id > MAX_NODE_ID:
            text = "the IDs for clients that serve calls are used up; restart the server"
            raise StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, text)
        self._next_client_id = node_id + 1
        return node_id

    def _node(self, node_id: int, address: str, name: str) -> Node:
        channel = InboundChannel(node_id, name, send_buffer=SEND_BUFFER)
        return Node(node_id, address, channel, self._pool)

    def attach(
        self, node: Node, address: str, queue: SendQueue, instance: str | None, *, session: bool = False
    ) -> PendingCalls:
        """A node has opened a stream, which is used instead of those it had before. `instance` tells openers apart.

        Returns:
            The calls whose replies come over this stream.
        """
        rival = _inbound(node).rival(instance)
        if rival is not None:
            self.members.warn(
                node.id, address, f"has another stream, from {rival}: do two programs claim this ID?", "rival"
            )
        pending = _inbound(node).attach(address, queue, instance, session=session)
        self._pool.put(node)
        if self._known.get(node.id) is node:
            self._tell_watchers(node, new=True)
            if self._connected.get(node.id) is not node:
                self._connected[node.id] = node
                self._pool.happenings.look(node)
                self._known_changed()
        else:
            self._clients[node.id] = node
            self._pool.happenings.added(node)
            self._clients_changed()
        return pending

    def heard(self, node: Node | None) -> None:
        """A message has come from a node: those who wait before they connect to it need not wait for long."""
        if node is not None and node.id in self._known:
            self._tell_watchers(node, new=False)

    def _tell_watchers(self, node: Node, *, new: bool) -> None:
        for watcher in list(self._watchers):
            watcher.heard_from(node.id, new=new)

    def detach(self, node: Node, queue: SendQueue, error: StatusError) -> None:
        """A node's stream has ended; the node is gone if it has no other."""
        if not _inbound(node).detach(queue, error) or node.channel.closed:
            return
        if self._known.get(node.id) is node:
            self._connected.pop(node.id, None)
            self._pool.happenings.look(node)
            self._known_changed()
        else:
            self._clients.pop(node.id, None)
            self._pool.drop(node)
            self._pool.happenings.look(node)
            self._pool.happenings.removed(node)
            self._clients_changed()

    async def close(self) -> None:
        """Fail the calls that wait for peers, and make no more."""
        await self._pool.close()

    def _clients_changed(self) -> None:
        self._client_config = None
        self.wake()

    def _known_changed(self) -> None:
        self._config = self._configuration(self._connected)
        self.wake()
        self._tell_change()

    def _tell_change(self) -> None:
        if self._on_config_change is None:
            return
        try:
            result = self._on_config_change(self._config)
            if inspect.iscoroutine(result):
                result.close()  # or it would be said never to have been awaited, too
                raise TypeError(NOT_ASYNCHRONOUS)
        except Exception:
            _log.exception("on_config_change failed")

    def _configuration(self, nodes: Mapping[int, Node]) -> Configuration:
        return Configuration((nodes[node_id] for node_id in sorted(nodes)), self._pool)


def _inbound(node: Node) -> InboundChannel:
    channel = node.channel
    assert isinstance(channel, InboundChannel)
    return channel
