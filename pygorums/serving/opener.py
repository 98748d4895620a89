"""Who has opened a stream: an ordinary client, or a node that is called back over it."""

from __future__ import annotations

from pygorums.base.errors import StatusError
from pygorums.nodes.node import Node
from pygorums.nodes.peers import Peers
from pygorums.serving.context import Claim
from pygorums.streams.pending import PendingCalls
from pygorums.streams.send_queue import SendQueue
from pygorums.wire.handshake import Pairs

__all__ = ["Opener"]


class Opener:
    """Who has opened one stream. A client that claims to be a node becomes one when that is made a peer.

    Args:
        peers: Who is called back.
        claim: What the opener says of itself.
        instance: What tells it from others.
        offered: The metadata of the stream.

    Attributes:
        node: Who it is; None if it is not called back.

    Raises:
        StatusError: As `Peers.node_of`.
    """

    def __init__(self, peers: Peers, claim: Claim, instance: str | None, offered: Pairs) -> None:
        self._peers = peers
        self._claim = claim
        self._instance = instance
        self.node: Node | None = peers.node_of(claim.node_id, claim.address, offered)

    @property
    def node_id(self) -> int | None:
        """Its ID; None if it is not called back."""
        return None if self.node is None else self.node.id

    def attach(self, queue: SendQueue, *, session: bool) -> PendingCalls | None:
        """Call it back over a stream whose queue that is; the calls whose replies come over it."""
        if self.node is None:
            return None
        return self._peers.attach(self.node, self._claim.address, queue, self._instance, session=session)

    def known_now(self) -> bool:
        """Whether it is one of the peers now, and was not before."""
        if self.node is None and self._claim.node_id:
            self.node = self._peers.known(self._claim.node_id)
            return self.node is not None
        return False

    def heard(self) -> None:
        """A message of it has come."""
        self._peers.heard(self.node)

    def detach(self, queue: SendQueue, error: StatusError) -> None:
        """Its stream has ended."""
        if self.node is not None:
            self._peers.detach(self.node, queue, error)
