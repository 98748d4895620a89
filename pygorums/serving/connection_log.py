"""What a server logs of the streams that others open to it: one line for each change, never for each message."""

from __future__ import annotations

import logging

import grpc

from pygorums.base.connection_logger import CONNECTIONS
from pygorums.base.errors import StatusError
from pygorums.base.repeated import Repeated
from pygorums.base.shown import shown
from pygorums.streams.clock import now

__all__ = ["ConnectionLog"]

_log = logging.getLogger("pygorums.server")


class ConnectionLog:
    """The streams of one server. Whoever is refused and tries again gets a line a minute."""

    def __init__(self) -> None:
        self._refusals = Repeated()

    def opened(self, node_id: int | None, address: str) -> None:
        """A stream was let in.

        Args:
            node_id: The ID of its opener, if that is called back.
            address: Its network address.
        """
        CONNECTIONS.info("%s has connected", _name(node_id, address))

    def ended(self, node_id: int | None, address: str, error: StatusError | None) -> None:
        """A stream has ended.

        Args:
            node_id: The ID of its opener, if that is called back.
            address: Its network address.
            error: Why, if not in peace.
        """
        if error is None:
            CONNECTIONS.info("%s has disconnected", _name(node_id, address))
        else:
            # A client that has opened a new stream has nothing against it.
            expected = node_id is None or error.code() is grpc.StatusCode.ABORTED
            level = logging.INFO if expected else logging.WARNING
            # What was sent too fast may be lost, of which everybody should hear.
            log = _log if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED else CONNECTIONS
            log.log(level, "The stream of %s broke: %s", _name(node_id, address), error)

    def refused(self, claim: int | None, address: str, error: StatusError) -> None:
        """A stream was refused.

        Args:
            claim: The ID that its opener claims to have.
            address: Its network address.
            error: What it was told.
        """
        host = address.rpartition(":")[0]
        if times := self._refusals.due((claim, host, error.code(), error.message), now()):
            again = f" {times} times more, last" if times > 1 else ""
            CONNECTIONS.warning("A stream of %s was refused%s: %s", _name(claim, address), again, error)


def _name(node_id: int | None, address: str) -> str:
    return f"node {node_id} at {shown(address)}" if node_id else f"a client at {shown(address)}"
