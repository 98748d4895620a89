"""What a server has for plain gRPC clients."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import grpc

from pygorums.base.errors import ConfigurationError
from pygorums.base.plain import Plain
from pygorums.plain.call import PlainCall
from pygorums.plain.calls import PlainCalls
from pygorums.serving.accepting import Acceptor
from pygorums.serving.handlers import Handler
from pygorums.serving.health import Health
from pygorums.serving.sources import Sources
from pygorums.transports.grpc.listener import GrpcListener
from pygorums.transports.listener import Listener

__all__ = ["PlainServing"]


class PlainServing:
    """Serves plain clients where the server listens.

    Args:
        plain: What is served besides the methods of services.
        handlers: By method name; may grow meanwhile.
        sources: Has requests handled.
        acceptor: Lets clients in.
        health: What is told of the server.
        peers_changed: Waits for the next change of the server's configurations.

    Raises:
        ModuleNotFoundError: A package is missing.
    """

    def __init__(
        self,
        plain: Plain,
        handlers: Mapping[str, Handler],
        sources: Sources,
        acceptor: Acceptor,
        health: Health,
        peers_changed: Callable[[], Awaitable[None]],
    ) -> None:
        calls = PlainCalls(handlers, sources, acceptor)
        self.handling: Mapping[PlainCall, None] = calls.handling
        self._handlers: list[grpc.GenericRpcHandler] = [calls]
        besides = []
        try:
            if plain.health:
                from pygorums.plain.health import SERVICE, health_handler

                self._handlers.append(health_handler(health, peers_changed))
                besides.append(SERVICE)
            if plain.reflection:
                from pygorums.plain.reflection import SERVICE as REFLECTION
                from pygorums.plain.reflection import reflection_handlers

                besides.append(REFLECTION)
                self._handlers.extend(reflection_handlers(lambda: _services(handlers, besides)))
        except ModuleNotFoundError as error:
            text = f"Server(plain=...) needs {error.name}: pip install 'pygorums[plain]', or leave out what needs it"
            raise ModuleNotFoundError(text, name=error.name) from None

    def serve_at(self, listening: Listener) -> None:
        """Serve at what listens, before it starts.

        Raises:
            ConfigurationError: It is not gRPC that listens.
        """
        if not isinstance(listening, GrpcListener):
            raise ConfigurationError("plain gRPC clients (plain=) need the grpc transport, which is not used here")
        listening.server.add_generic_rpc_handlers(self._handlers)


def _services(handlers: Mapping[str, Handler], besides: Sequence[str]) -> Sequence[str]:
    return (*dict.fromkeys(name.rpartition(".")[0] for name in list(handlers)), *besides)
