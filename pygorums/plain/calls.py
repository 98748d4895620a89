"""The methods of services as ordinary methods of gRPC.

How it works. A call is a stream on which there is one request: it has a source of requests of its own, so handlers run
in the same way, whatever the client is, and nothing is ordered between two calls. What would be sent over the stream is
what the call is answered with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import grpc
import grpc.aio

from pygorums.base.errors import StatusError
from pygorums.base.method import CallType, Method
from pygorums.plain.call import Answers, PlainCall
from pygorums.plain.statuses import abort
from pygorums.serving.accepting import Acceptor
from pygorums.serving.context import ServerContext
from pygorums.serving.handlers import CallNext, Handler
from pygorums.serving.sources import Sources
from pygorums.transports.grpc.listener import proved
from pygorums.transports.grpc.transport import pairs_from
from pygorums.wire.framing import Message
from pygorums.wire.handshake import NO_LIMIT
from pygorums.wire.timeouts import TIMEOUT_KEY, encode_timeout

__all__ = ["PlainCalls"]


class PlainCalls(grpc.GenericRpcHandler):
    """Serves the calls of plain clients.

    Args:
        handlers: By method name; may grow meanwhile.
        sources: Has requests handled.
        acceptor: Lets clients in.

    Attributes:
        handling: The calls that are handled.
    """

    def __init__(self, handlers: Mapping[str, Handler], sources: Sources, acceptor: Acceptor) -> None:
        self._handlers = handlers
        self._sources = sources
        self._acceptor = acceptor
        self.handling: dict[PlainCall, None] = {}

    def service(self, handler_call_details: Any) -> Any:
        """What serves a method, as gRPC asks; None if there is no such one."""
        service, _, rpc = handler_call_details.method.removeprefix("/").rpartition("/")
        handler = self._handlers.get(f"{service}.{rpc}")
        if handler is None or "." in rpc:
            return None
        # Without serializers bytes go in and out as they are.
        if handler.method.streaming:
            return grpc.unary_stream_rpc_method_handler(partial(self._serve, handler))
        return grpc.unary_unary_rpc_method_handler(partial(self._serve, _answering(handler)))

    async def _serve(self, handler: Handler, request: bytes, context: Any) -> bytes | None:
        """Handle one call: its answer, or None if that has several, which are written as they come."""
        try:
            peer = str(context.peer())
            with self._acceptor.visit(peer):
                return await self._handle(handler, request, peer, context)
        except StatusError as error:
            refusal = error
        return await abort(context, refusal.code(), refusal.message, refusal.details)

    async def _handle(self, handler: Handler, request: bytes, peer: str, context: Any) -> bytes | None:
        metadata = pairs_from(context.invocation_metadata())
        auth_context = proved(context.auth_context())
        await self._acceptor.judge(peer, auth_context, metadata)
        method, answers = handler.method, Answers()
        requests = self._sources.add(
            answers,
            metadata=tuple(pair for pair in metadata if isinstance(pair[1], bytes)),
            peer=peer,
            peer_id=None,
            auth_context=auth_context,
            mark_end=True,
            max_waiting=NO_LIMIT,
            handlers={method.name: handler},
        )
        call = PlainCall(requests)
        self.handling[call] = None
        message = Message(message_seq_no=1, method=method.name, payload=request)
        if (left := context.time_remaining()) is not None:
            message.entry.add(key=TIMEOUT_KEY, value=encode_timeout(left))
        for key, value in metadata:
            # Those of the message are where traces are looked for; they are texts.
            if isinstance(value, str):
                message.entry.add(key=key, value=value)
        try:
            with self._acceptor.counting(requests):
                requests.begin()
                requests.put((message,), len(request))
                del message, request
                return await _answer_with(answers, context, several=method.streaming)
        finally:
            requests.cancel()
            requests.when_idle(lambda: self.handling.pop(call, None))


async def _answer_with(answers: Answers, context: Any, *, several: bool) -> bytes | None:
    while True:
        answer = await answers.take()
        if answer.HasField("status") and answer.status.code:
            status = answer.status
            raise StatusError(_CODES[status.code], status.message, status.details)
        if not several:
            return answer.payload
        if answer.end:
            return None
        await context.write(answer.payload)


_CODES: Mapping[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


def _answering(handler: Handler) -> Handler:
    """A handler that gives an answer, also that of a one-way method, whose plain clients wait for one."""
    method = handler.method
    if not method.one_way:
        return handler
    unary: Method[Any, Any] = Method(method.name, CallType.RPC, method.request_class, method.response_class)
    return Handler(unary, partial(_answer, handler.call, method.response_class))


async def _answer(call: CallNext, empty: Callable[[], Any], ctx: ServerContext, request: Any) -> Any:
    await call(ctx, request)
    return empty()
