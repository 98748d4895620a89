"""Client interceptors: functions around a call that see each node's response, and may change what is sent.

An interceptor is called with the `Call` and the responses of what it wraps, and returns the responses that
it passes on. It is called when the call is made, in list order, so the first one is the innermost on the way
back. An asynchronous generator is the usual form; its body runs when the responses are read, so what must
act before the request leaves (`Call.map_request`, `Call.add_metadata`) belongs in a plain function that
returns the responses.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeVar

from google.protobuf.message import Message

from pygorums.base.metadata import Metadata
from pygorums.base.method import Method
from pygorums.calls.progress import Progress
from pygorums.calls.response import NodeResponse
from pygorums.calls.sequence import Source
from pygorums.nodes.call_options import CallOptions
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.node import Node

__all__ = [
    "Call",
    "InterceptedResponses",
    "Interceptor",
    "intercepted",
]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)
ReqContra = TypeVar("ReqContra", bound=Message, contravariant=True)


class Call(Generic[Req, Resp]):
    """One call, as its interceptors see it.

    Attributes:
        request: The request as the caller passed it.
        method: The method's full name.
        config: The nodes that are called; for calls to one node a configuration of that node.
        sent: Whether it is being sent, or was, so that the request cannot be changed any more.
        progress: What has been read of it (for the interceptors of this package).
        options: What it is made with (for the call functions).
    """

    __slots__ = ("_method", "_transforms", "config", "options", "progress", "request", "sent")

    def __init__(self, method: Method[Req, Resp], config: Configuration, request: Req, options: CallOptions) -> None:
        self._method = method
        self._transforms: list[Callable[[Req, Node], Req | None]] = []
        self.config = config
        self.progress = Progress(method, config)
        self.request = request
        self.options = options
        self.sent = False

    @property
    def method(self) -> str:
        """The method's full name, such as ``proto.Storage.ReadQC``."""
        return self._method.name

    @property
    def size(self) -> int:
        """How many nodes the configuration has."""
        return len(self.config)

    @property
    def timeout(self) -> float | None:
        """Seconds from sending until the call ends, or None."""
        return self.options.timeout

    @property
    def metadata(self) -> Metadata:
        """The metadata that are sent with the message."""
        return Metadata(self.options.metadata)

    def node(self, node_id: int) -> Node:
        """The node with an ID.

        Raises:
            KeyError: The configuration has no such node.
        """
        return self.config.node(node_id)

    def add_metadata(self, key: str, value: str) -> None:
        """Send one more pair of metadata with the message.

        Raises:
            TypeError, ValueError: As for the metadata of a call.
            RuntimeError: The request was sent already.
        """
        self._check_unsent("add_metadata")
        self.options = self.options.extended(metadata=[(key, value)])

    def map_request(self, fn: Callable[[Req, Node], Req | None]) -> None:
        """Rewrite the request for each node, after earlier rewrites.

        `fn` gets the request and the node and gives the request for that node, or None to leave the node out:
        then it is not asked, and counts neither as a reply nor as a failure. It must not change the request
        that it gets, for all nodes share it.

        Raises:
            RuntimeError: The request was sent already.
        """
        self._check_unsent("map_request")
        self._transforms.append(fn)

    def _check_unsent(self, change: str) -> None:
        if self.sent:
            raise RuntimeError(
                f"{change} was called after the request of {self.method} was sent: an interceptor must do that when "
                "it is called, in a plain function that returns the responses; the body of an asynchronous generator "
                "only runs when they are read"
            )

    def request_for(self, node: Node) -> Req | None:
        """What is sent to a node; None if it is left out."""
        request: Req | None = self.request
        for transform in self._transforms:
            if request is None:
                return None
            request = transform(request, node)
        return request


class Interceptor(Protocol[Req, Resp]):
    """What `interceptors=` takes a sequence of."""

    def __call__(
        self, call: Call[Req, Resp], responses: AsyncIterator[NodeResponse[Resp]], /
    ) -> AsyncIterator[NodeResponse[Resp]]:
        """Wrap the responses of a call."""


class InterceptedResponses(AsyncIterator[NodeResponse[Resp]]):
    """The responses of a call as they come out of its outermost interceptor."""

    def __init__(self, source: Source[Resp], layers: Sequence[AsyncIterator[NodeResponse[Resp]]]) -> None:
        self._source = source
        self._layers = layers
        self._outermost = layers[-1] if layers else source

    def __anext__(self) -> Awaitable[NodeResponse[Resp]]:
        return self._outermost.__anext__()

    async def aclose(self) -> None:
        """Forget the call, and let the interceptors end, the outermost first: each may have something to clean up."""
        self._source.close()
        for layer in reversed(self._layers):
            close = getattr(layer, "aclose", None)
            if close is not None:
                await close()


def intercepted(
    call: Call[Req, Resp], source: Source[Resp], interceptors: Sequence[Interceptor[Req, Resp]]
) -> InterceptedResponses[Resp]:
    """Wrap the responses of a call in each interceptor, the first one innermost."""
    layers: list[AsyncIterator[NodeResponse[Resp]]] = []
    responses: AsyncIterator[NodeResponse[Resp]] = source
    for interceptor in interceptors:
        responses = interceptor(call, responses)
        layers.append(responses)
        if not hasattr(responses, "__anext__"):
            if inspect.iscoroutine(responses):
                responses.close()  # or it would be said never to have been awaited, too
            name = getattr(interceptor, "__qualname__", repr(interceptor))
            raise TypeError(
                f"interceptor {name} must return an asynchronous iterator, not {type(responses).__name__}; "
                "write it as `async def` with `yield`, or as `def` that returns the responses"
            )
    return InterceptedResponses(source, layers)
