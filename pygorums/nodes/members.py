"""The members of a cluster, as one of them was told: who they are, since when, and what does not go with that."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from pygorums.base.errors import ConfigurationError
from pygorums.base.introduction import disagreements, introduction
from pygorums.base.repeated import Repeated
from pygorums.base.shown import shown
from pygorums.nodes.address import same_address, same_place
from pygorums.streams.clock import now
from pygorums.wire.handshake import Pairs

__all__ = ["Members"]

_log = logging.getLogger("pygorums.server")


class Members:
    """Who is known by which ID.

    Args:
        own_id: The own ID; 0 for none.
        addresses: The addresses of all by ID, the own one among them perhaps.

    Attributes:
        own_id: The own ID.
        addresses: The addresses of all. Replaced as a whole, and never changed.
        epoch: The number of the change that made them what they are; 0 for none.
    """

    def __init__(self, own_id: int, addresses: Mapping[int, str]) -> None:
        self.own_id = own_id
        self.addresses = addresses
        self.epoch = 0
        self._warned = Repeated()

    def next_epoch(self, addresses: Mapping[int, str], epoch: int | None) -> int:
        """The epoch of a change to these members, if it may be made. Nothing is changed.

        Args:
            addresses: The addresses of all by ID.
            epoch: What was asked for; None for the next one, unless nothing is different.

        Raises:
            ConfigurationError: The epoch is older than the present one, or is the present one of other members.
        """
        same = _same(self.addresses, addresses)
        if epoch is None:
            return self.epoch if same else self.epoch + 1
        if not isinstance(epoch, int) or isinstance(epoch, bool) or epoch < 0:
            raise ConfigurationError(f"an epoch is a whole number from 0, not {epoch!r}")
        if epoch < self.epoch:
            raise ConfigurationError(
                f"epoch {epoch} is over: this node is at epoch {self.epoch}, with the members {self._shown()}"
            )
        if epoch == self.epoch and not same:
            raise ConfigurationError(
                f"this node is at epoch {epoch} already, with the members {self._shown()}: each change needs an epoch "
                "of its own"
            )
        return epoch

    def _shown(self) -> str:
        return ", ".join(f"{node_id}={address}" for node_id, address in sorted(self.addresses.items())) or "none"

    def differs(self, node_id: int, addresses: Mapping[int, str]) -> bool:
        """Whether a member is another one, or none, among others."""
        here, there = self.addresses.get(node_id), addresses.get(node_id)
        return here is None or there is None or not same_address(here, there)

    def check_own(self, address: str, addresses: Mapping[int, str] | None = None) -> None:
        """Refuse an address to listen on that is another node's, among these members or others.

        Raises:
            ConfigurationError: So it is, or it is malformed.
        """
        for node_id, other in (self.addresses if addresses is None else addresses).items():
            if node_id != self.own_id and same_place(address, other):
                own = f"this is node {self.own_id}" if self.own_id else "this server has no node ID"
                raise ConfigurationError(f"cannot listen on {address}: it is the address of node {node_id}, and {own}")

    def introduction(self, node_id: int, address: str) -> Pairs:
        """What a stream to a node tells it besides our ID: how we know it, if it is one of the members."""
        if self.addresses.get(node_id) != address:
            return ()
        return introduction(node_id, self.addresses)

    def compare(self, claim: int, address: str, metadata: Pairs) -> None:
        """Warn of what does not go together: what the opener of a stream says of the cluster, and our own list."""
        known = sorted(self.addresses)
        if claim == self.own_id:
            self.warn(claim, address, "has the ID of this server: it is served as a client, and not in config()")
        elif claim not in self.addresses:
            text = f"is not among the peers {known}" if known else "is nobody here: this server was given no peers"
            self.warn(claim, address, f"{text}; it is served as a client, and not in config()")
        if known:
            for text in disagreements(metadata, self.own_id, known):
                self.warn(claim, address, text)

    def warn(self, claim: int, address: str, text: str, thing: str | None = None) -> None:
        """Warn of the opener of a stream; of the same `thing` not often."""
        if times := self._warned.due((claim, thing or text), now()):
            again = f" (has happened {times} times)" if times > 1 else ""
            _log.warning("Node %d, which has connected from %s, %s%s", claim, shown(address), text, again)


def _same(addresses: Mapping[int, str], others: Mapping[int, str]) -> bool:
    return addresses.keys() == others.keys() and all(
        same_address(address, others[node_id]) for node_id, address in addresses.items()
    )
