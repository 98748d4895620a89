"""Addresses and IDs of nodes as users give them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pygorums.base.errors import ConfigurationError
from pygorums.transports.address import split_address, unix_path
from pygorums.wire.handshake import MAX_NODE_ID

__all__ = ["check_address", "checked_own_id", "numbered", "same_address", "same_place"]


def check_address(address: str, *, any_port: bool = False) -> None:
    """Look whether an address is one, ``host:port``, ``[ipv6]:port`` or that of a unix socket.

    Raises:
        ConfigurationError: It is malformed; the text says how.
    """
    if unix_path(address) is None:
        split_address(address, any_port=any_port)


def _key(address: str, *, any_port: bool = False) -> tuple[str, int]:
    path = unix_path(address)
    if path is not None:
        return path, 0
    host, port = split_address(address, any_port=any_port)
    # The commonest way of naming one server twice.
    return ("127.0.0.1" if host.lower() == "localhost" else host.lower()), port


def same_address(address: str, other: str) -> bool:
    """Whether two addresses are the same one, though perhaps written in two ways. Names are not looked up."""
    return _key(address) == _key(other)


def same_place(listening: str, other: str) -> bool:
    """Whether a connection to `other` from this machine certainly reaches what listens on `listening` here.

    Names are not looked up, and an address that listens on all interfaces has only those of this machine itself for
    certain: port 8080 of another name may well be that of another machine.
    """
    host, port = _key(listening, any_port=True)
    other_host, other_port = _key(other)
    return port == other_port and (other_host == host or (host in _ALL and other_host in _LOOPBACK))


_ALL = ("0.0.0.0", "::")
_LOOPBACK = ("127.0.0.1", "::1")


def numbered(nodes: Iterable[str] | Mapping[int, str], known: Mapping[int, str] | None = None) -> dict[int, str]:
    """Addresses by node ID, checked, in ascending order of ID for a mapping and in the given order otherwise.

    Args:
        nodes: Addresses, which get the IDs after the highest known one, or 1, 2, …; or addresses by ID.
        known: The nodes that are there already. A mapping may name them again.

    Raises:
        ConfigurationError: The list is empty, an address is malformed or in use by another node, an ID is 0,
            beyond uint32, or in use by another address.
    """
    known = known or {}
    if isinstance(nodes, str | bytes):
        raise ConfigurationError(f"nodes must be a list of addresses, not the single string {nodes!r}")
    if isinstance(nodes, set | frozenset):
        raise ConfigurationError(
            "nodes must be in an order, for that gives them their IDs: pass a list of addresses, or a mapping from IDs "
            "to addresses, and not a set"
        )
    if not isinstance(nodes, Iterable):
        raise ConfigurationError(
            f"nodes must be a list of addresses, or a mapping from IDs to addresses, not {nodes!r:.100}"
        )
    if isinstance(nodes, Mapping):
        items = sorted(_checked_ids(nodes).items())
    else:
        items = list(enumerate(nodes, max(known, default=0) + 1))
    if not items:
        raise ConfigurationError("missing node addresses: a configuration needs at least one")
    users = {_key(address): node_id for node_id, address in known.items()}
    result: dict[int, str] = {}
    for node_id, address in items:
        if not 1 <= node_id <= MAX_NODE_ID:
            reason = "0 is reserved" if node_id == 0 else f"IDs go from 1 to {MAX_NODE_ID}"
            raise ConfigurationError(f"invalid node ID {node_id} for {address!r}: {reason}")
        key = _key(address)
        taken = known.get(node_id)
        if taken is not None and _key(taken) != key:
            raise ConfigurationError(f"node {node_id} is already in use by {taken!r}, so it cannot be {address!r}")
        user = users.setdefault(key, node_id)
        if user != node_id:
            raise ConfigurationError(f"address {address!r} is already in use by node {user}")
        result[node_id] = address
    return result


def _checked_ids(nodes: Mapping[int, str]) -> Mapping[int, str]:
    for node_id in nodes:
        if not isinstance(node_id, int) or isinstance(node_id, bool):
            raise ConfigurationError(f"invalid node ID {node_id!r}: it must be a number from 1 to {MAX_NODE_ID}")
    return nodes


def checked_own_id(node_id: int) -> int:
    """The ID that a server is given; 0 for none.

    Raises:
        ConfigurationError: It can be none.
    """
    if not isinstance(node_id, int) or isinstance(node_id, bool) or not 0 <= node_id <= MAX_NODE_ID:
        raise ConfigurationError(f"invalid node ID {node_id!r}: IDs go from 1 to {MAX_NODE_ID}, 0 is for none")
    return node_id
