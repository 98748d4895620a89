"""What a server says of its peers and clients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pygorums.base.pickling import Local
from pygorums.nodes.address import numbered
from pygorums.nodes.changes import Changes
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.node import Node
from pygorums.nodes.peers import Peers
from pygorums.serving.accepting import Acceptor
from pygorums.streams.channel import PeerWatcher
from pygorums.wire.handshake import Pairs

__all__ = ["Peering"]


class Peering(Local):
    """The part of a server that is about who is connected to it."""

    _peers: Peers
    _acceptor: Acceptor
    _address: str | None  # that it listens on
    _listen: str | None  # where it is to
    system: Any

    @property
    def node_id(self) -> int:
        """The server's own ID among its peers; 0 for none."""
        return self._peers.members.own_id

    @property
    def peers(self) -> Peers:
        """Who is connected (for `System`)."""
        return self._peers

    @property
    def epoch(self) -> int:
        """The number of the last change of its peers, as `reconfigure` was told; 0 before the first."""
        return self._peers.members.epoch

    async def reconfigure(self, peers: Iterable[str] | Mapping[int, str], *, epoch: int | None = None) -> None:
        """Know other peers from now on.

        Those who stay notice nothing. The streams of those who are not among them any more end with
        FAILED_PRECONDITION, when what they have asked for is answered, which has a second; calls back to them fail
        with `NodeClosedError`. Those who are new are in `config` at once if they have connected before. A peer whose
        address is another one now is a new one. The server of a `System` has that do it.

        Args:
            peers: All known peers from now on, as for the server itself.
            epoch: The number of this change, for changes that come from several sides, and twice: the same one may
                come again, and those before it are refused. By default the next one.

        Raises:
            ConfigurationError: The epoch is over, or that of other peers; there cannot be such peers. Nothing has
                changed then.
        """
        if self.system is not None:
            await self.system.reconfigure(peers, epoch=epoch)
        else:
            self.replace_peers(numbered(peers), epoch)

    def replace_peers(self, addresses: Mapping[int, str], epoch: int | None) -> None:
        """The same, for this server alone (for `System`).

        Raises:
            ConfigurationError: The same.
        """
        members = self._peers.members
        epoch = members.next_epoch(addresses, epoch)
        if (listening := self._address or self._listen) is not None:
            members.check_own(listening, addresses)
        gone = self._peers.replace(addresses, epoch)
        self._acceptor.peers_replaced(gone, epoch)

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
        return self._peers.members.introduction(node_id, address)
