"""The base of generated server classes."""

from __future__ import annotations

from abc import ABC
from typing import Any, ClassVar

from pygorums.base.method import Method

__all__ = ["Service"]


class Service(ABC):  # noqa: B024 - the generated subclasses have the abstract methods
    """What a generated server class such as ``StorageServer`` derives from; its subclasses hold the handlers.

    A handler is a method that takes a `ServerContext` and a request. ``async def`` handlers run on the event
    loop; plain ``def`` handlers run in a thread each. It returns the reply, or nothing if the method is one-way;
    the handler of a streaming quorum call is a generator, asynchronous or plain, that yields replies. To
    refuse a call it raises `StatusError`.
    """

    __gorums_methods__: ClassVar[tuple[tuple[Method[Any, Any], str], ...]] = ()
    """Each method of the service with the name of its handler. Set by generated code."""
