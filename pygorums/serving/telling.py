"""What a server says of itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pygorums.base.errors import ConfigurationError
from pygorums.base.observers import Observers
from pygorums.base.plain import Plain
from pygorums.nodes.configuration import Configuration
from pygorums.serving.accepting import Acceptor
from pygorums.serving.handlers import Handler
from pygorums.serving.health import Health
from pygorums.serving.peering import Peering
from pygorums.serving.service import Service
from pygorums.serving.sources import Sources
from pygorums.serving.surroundings import Surroundings
from pygorums.tasks.joined import Joined

if TYPE_CHECKING:
    from pygorums.serving.stats import ServerStats  # at run time only for who asks

__all__ = ["ONLY_GRPC", "Telling"]

_log = logging.getLogger("pygorums.server")

INTROSPECTION = "pygorums.introspection.service"
"""What is served to those who ask over the network: a module of users' floor, known here by its name alone."""

PLAIN = "pygorums.plain.serving"
"""The same for plain gRPC clients."""

ONLY_GRPC = "plain= (plain gRPC clients): leave that out"
"""What a transport other than gRPC cannot do, in words."""


class Telling(Peering):
    """The part of a server that tells how it is."""

    observers: Observers
    _sources: Sources
    _acceptor: Acceptor
    _handlers: dict[str, Handler]
    _starting: Joined[str]
    surroundings: Surroundings
    _health: Health
    _ready: Callable[[Configuration], bool] | None
    _plain: Any = None

    @property
    def address(self) -> str:
        """``host:port`` that the server listens on, with the actual port.

        Raises:
            RuntimeError: It was not started.
        """
        if self._address is None:
            raise RuntimeError("the server is not started: it has no address yet")
        return self._address

    @property
    def was_started(self) -> bool:
        """Whether `start` has taken an address. It may have been stopped since."""
        return self._address is not None

    @property
    def draining(self) -> bool:
        """Whether it takes no more calls, because `drain` or `stop` was called."""
        return self._acceptor.closed

    @property
    def health(self) -> Health:
        """Whether its services can be used, as probes are told that ask ``grpc.health.v1.Health`` (``plain=``)."""
        return self._health

    def _begin_telling(self, plain: Plain | bool, ready: Callable[[Configuration], bool] | None) -> None:
        """Set up the health, and what plain gRPC clients are served."""
        wanted = Plain() if plain is True else plain or None
        if ready is not None and (wanted is None or not wanted.health):
            raise ConfigurationError("ready= is told by health probes only: give plain=True too")
        self._ready = ready
        self._health = Health(lambda: {name.rpartition(".")[0] for name in list(self._handlers)}, self._is_serving)
        if wanted is not None:
            self._plain = import_module(PLAIN).PlainServing(
                wanted, self._handlers, self._sources, self._acceptor, self._health, self._peers.changed
            )

    @property
    def _plain_calls(self) -> Mapping[Any, None]:
        """The calls of plain clients that are handled."""
        calls: Mapping[Any, None] = {} if self._plain is None else self._plain.handling
        return calls

    def _is_serving(self) -> bool:
        if not self._starting.done or self._acceptor.closed:
            return False
        try:
            return self._ready is None or bool(self.surroundings.call(self._ready, self.config()))
        except Exception:
            _log.exception("the condition ready= failed, so the server is not ready")
            return False

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
