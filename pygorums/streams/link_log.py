"""What is logged of the connection to one node that we open: one line for each change, none for each attempt."""

from __future__ import annotations

import logging

import grpc

from pygorums.base.connection_logger import CONNECTIONS
from pygorums.base.errors import StatusError
from pygorums.base.shown import shown

__all__ = ["LinkLog"]

_log = logging.getLogger("pygorums.streams")


class LinkLog:
    """The changes of one connection.

    Args:
        node_id: The node's ID.
        address: Its address.
    """

    def __init__(self, node_id: int, address: str) -> None:
        self._node = (node_id, address)
        self._failed_with = ""

    def connected(self) -> None:
        """The stream stands."""
        CONNECTIONS.info("Node %d (%s) is connected", *self._node)
        self._failed_with = ""

    def ended(self, error: StatusError, *, stood: bool) -> None:
        """The stream has broken, or the attempt to open it has failed, and is tried again.

        Args:
            error: Why.
            stood: Whether there was a stream.
        """
        text = error.message.removeprefix(f"{self._node[1]}: ")
        why = f"{error.code.name}: {shown(text)}"  # without the node, which is named already
        if stood:
            # What was sent too fast may be lost, of which everybody should hear.
            log = _log if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED else CONNECTIONS
            log.warning("Node %d (%s) is lost: %s", *self._node, why)
        elif why != self._failed_with:
            # Further attempts are only told of if they fail otherwise, or one does not.
            self._failed_with = why
            CONNECTIONS.warning("Node %d (%s) cannot be reached, and is tried again: %s", *self._node, why)

    def closed(self) -> None:
        """Nobody needs it any more."""
        CONNECTIONS.info("Node %d (%s) is closed", *self._node)
