"""What a server says of its peers and clients."""

from __future__ import annotations

from pygorums.base.pickling import Local
from pygorums.nodes.changes import Changes
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.node import Node
from pygorums.nodes.peers import Peers
from pygorums.streams.channel import PeerWatcher
from pygorums.wire.handshake import Pairs

__all__ = ["Peering"]


class Peering(Local):
    """The part of a server that is about who is connected to it."""

    _peers: Peers

    @property
    def node_id(self) -> int:
        """The server's own ID among its peers; 0 for none."""
        return self._peers.own_id

    @property
    def peers(self) -> Peers:
        """Who is connected (for `System`)."""
        return self._peers

    def config(self) -> Configuration:
        """The known peers that are connected to this server, and the server itself, by ascending ID.

        A snapshot: it does not change. Calls to it travel back over the streams that the peers have opened, and
        to the own node within the process. From a handler, call `ServerContext.release` before waiting for them.
        Empty if the server has no node ID and no peer is connected.
        """
        return self._peers.config

    def client_config(self) -> Configuration:
        """The clients that serve calls made back to them, by ascending ID, which they get as they connect.

        These are clients that passed a `server` to `connect` which has no node ID.
        """
        return self._peers.client_config

    def changes(self) -> Changes[Node]:
        """What happens to the known peers from now on, as it happens: an asynchronous iterator.

        `NodeUp` when a peer has connected to this server, `NodeDown` when it has no stream to it any more: those who
        are up are the `config` of that moment. Slow readers are dealt with as in `Configuration.changes`. It ends when
        the server has stopped.
        """
        return self._peers.changes()

    def add_watcher(self, watcher: PeerWatcher, /) -> None:
        """Have somebody told when a known peer has connected (for configurations with `server=`)."""
        self._peers.add_watcher(watcher)

    def introduction(self, node_id: int, address: str, /) -> Pairs:
        """What the streams to one node tell it of this server's peers (for the streams)."""
        return self._peers.introduction(node_id, address)
