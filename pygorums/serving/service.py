"""The base of generated server classes."""

from __future__ import annotations

import asyncio
import inspect
from abc import ABC
from collections.abc import Sequence
from typing import Any, ClassVar

from pygorums.base.errors import ConfigurationError
from pygorums.base.method import Method
from pygorums.serving.daemon_threads import DaemonThreads
from pygorums.serving.surroundings import Surroundings

__all__ = ["Service", "methods_of", "services_of", "tell_started"]


class Service(ABC):  # noqa: B024 - the generated subclasses have the abstract methods
    """What a generated server class such as ``StorageServer`` derives from; its subclasses hold the handlers.

    A handler is a method that takes a `ServerContext` and a request. ``async def`` handlers run on the event
    loop; plain ``def`` handlers run in a thread each. It returns the reply, or nothing if the method is one-way;
    the handler of a streaming quorum call is a generator, asynchronous or plain, that yields replies. To
    refuse a call it raises `StatusError`.

    One class may derive from the generated classes of several services, and then serves them all. Where two of them
    have a method of one name it cannot be told which of the two the handler is for: that is refused.

    A service of a `System` may have a method ``started(self, system)``, which is called once, when the system serves
    and has begun to connect to its peers, before its `start` returns. It is how a service gets at ``system.outbound``.
    An ``async def`` runs on the event loop, a plain ``def`` in a thread, and what it raises makes the start fail. (A
    method of the .proto that is called so is a handler and nothing else.)
    """

    __gorums_methods__: ClassVar[tuple[tuple[Method[Any, Any], str], ...]] = ()
    """Each method of the service with the name of its handler. Set by generated code."""


def services_of(service: Service | Sequence[Service] | None) -> Sequence[Service]:
    """What a server is given to serve as a sequence."""
    if service is None:
        return ()
    return service if isinstance(service, list | tuple) else (service,)


def methods_of(service: Service) -> dict[str, Method[Any, Any]]:
    """The methods of all services that an object serves, by the names of their handlers.

    Raises:
        ConfigurationError: There are none, or two have one name.
    """
    methods: dict[str, Method[Any, Any]] = {}
    kind = type(service)
    for base in kind.__mro__:
        for method, name in vars(base).get("__gorums_methods__", ()):
            other = methods.setdefault(name, method)
            if other is not method:
                raise ConfigurationError(
                    f"{kind.__name__} would handle both {other.name} and {method.name} with its method {name!r}: "
                    "give each service a class of its own"
                )
    if not methods:
        raise ConfigurationError(f"{kind.__name__} has no methods: derive it from a generated server class")
    return methods


async def tell_started(service: Service, system: object, surroundings: Surroundings) -> None:
    """Call a service's method ``started``, if it has one that is no handler.

    Raises:
        Exception: What that raises.
    """
    hook = getattr(service, "started", None)
    if hook is None or "started" in methods_of(service):
        return
    if inspect.iscoroutinefunction(hook):
        await surroundings.run(hook, system)
        return
    thread = DaemonThreads(1, "pygorums-started")
    try:
        await asyncio.get_running_loop().run_in_executor(thread, surroundings.context().run, hook, system)
    finally:
        thread.shutdown()
