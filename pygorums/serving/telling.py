"""What a server says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from pygorums.base.observers import Observers
from pygorums.serving.accepting import Acceptor
from pygorums.serving.peering import Peering
from pygorums.serving.service import Service
from pygorums.serving.sources import Sources

if TYPE_CHECKING:
    from pygorums.serving.stats import ServerStats  # at run time only for who asks

__all__ = ["Telling"]

INTROSPECTION = "pygorums.introspection.service"
"""What is served to those who ask over the network: a module of users' floor, known here by its name alone."""


class Telling(Peering):
    """The part of a server that tells how it is."""

    observers: Observers
    _sources: Sources
    _acceptor: Acceptor

    def stats(self) -> ServerStats:
        """The server in figures: requests by method and status with how long they took, streams, peers. A snapshot.

        Counting begins with the first call, so that servers of which nobody asks pay nothing. May be called in any
        thread.
        """
        from pygorums.serving.stats import server_stats

        return server_stats(self.observers, self._peers, self._sources, len(self._acceptor.streams))

    def _introspection(self) -> Sequence[Service]:
        """The service that tells the same to those who ask over the network."""
        service: Service = import_module(INTROSPECTION).Introspecting(self)
        return (service,)
