"""What is logged of connections, which come and go: one line for each change, none for each message or attempt."""

from __future__ import annotations

import logging

import grpc

from pygorums.base.errors import StatusError
from pygorums.base.repeated import Repeated
from pygorums.base.shown import shown
from pygorums.streams.clock import now

__all__ = ["AcceptedLog", "LinkLog"]

_connections = logging.getLogger("pygorums.connections")
# Otherwise Python would write each warning to standard error, of a program that knows well that a node is down.
_connections.addHandler(logging.NullHandler())


def _log_for(error: StatusError, otherwise: str) -> logging.Logger:
    # What was sent too fast may be lost, of which everybody should hear.
    return logging.getLogger(otherwise) if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED else _connections


class LinkLog:
    """The changes of a connection that we open to a node."""

    def __init__(self, node_id: int, address: str) -> None:
        self._node = (node_id, address)
        self._failed_with = ""

    def connected(self) -> None:
        """The stream stands."""
        _connections.info("Node %d (%s) is connected", *self._node)
        self._failed_with = ""

    def ended(self, error: StatusError, *, stood: bool) -> None:
        """The stream has broken, or if none `stood` the attempt to open it has failed, and is tried again."""
        text = error.message.removeprefix(f"{self._node[1]}: ")
        why = f"{error.code.name}: {shown(text)}"  # without the node, which is named already
        if stood:
            _log_for(error, "pygorums.streams").warning("Node %d (%s) is lost: %s", *self._node, why)
        elif why != self._failed_with:
            # Further attempts are only told of if they fail otherwise, or one does not.
            self._failed_with = why
            _connections.warning("Node %d (%s) cannot be reached, and is tried again: %s", *self._node, why)

    def closed(self) -> None:
        """Nobody needs it any more."""
        _connections.info("Node %d (%s) is closed", *self._node)


class AcceptedLog:
    """The streams that others open to one server. Whoever is refused and tries again gets a line a minute.

    They are named by their addresses, and by their openers' node IDs: those that are called back, or that are claimed.
    """

    def __init__(self) -> None:
        self._refusals = Repeated()

    def opened(self, node_id: int | None, address: str) -> None:
        """A stream was let in."""
        _connections.info("%s has connected", _name(node_id, address))

    def ended(self, node_id: int | None, address: str, error: StatusError | None) -> None:
        """A stream has ended, in peace if there is no error."""
        if error is None:
            _connections.info("%s has disconnected", _name(node_id, address))
        else:
            # A client that has opened a new stream has nothing against it.
            expected = node_id is None or error.code() is grpc.StatusCode.ABORTED
            level = logging.INFO if expected else logging.WARNING
            _log_for(error, "pygorums.server").log(level, "The stream of %s broke: %s", _name(node_id, address), error)

    def refused(self, claim: int | None, address: str, error: StatusError) -> None:
        """A stream was refused."""
        host = address.rpartition(":")[0]
        if times := self._refusals.due((claim, host, error.code(), error.message), now()):
            again = f" {times} times more, last" if times > 1 else ""
            _connections.warning("A stream of %s was refused%s: %s", _name(claim, address), again, error)


def _name(node_id: int | None, address: str) -> str:
    return f"node {node_id} at {shown(address)}" if node_id else f"a client at {shown(address)}"
