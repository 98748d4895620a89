"""Replies on their way to a client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import EncodeError
from google.protobuf.message import Message as ProtobufMessage

from pygorums.base.errors import StatusError
from pygorums.base.method import Method
from pygorums.base.shown import shown
from pygorums.serving.context import ServerContext
from pygorums.serving.failures import HandlerFailures, status_within
from pygorums.streams.channel import FrameSink
from pygorums.streams.outgoing import UNOWNED
from pygorums.streams.reply_sink import READ_ON_BELOW
from pygorums.wire.framing import Frame, Message, Status, encode_end, encode_error, encode_message, method_field

__all__ = ["ReplyWriter"]

MAX_STATUS_MESSAGE = 16 << 10
"""Characters of an error's text that are sent."""


class ReplyWriter:
    """Encodes what handlers give, or raise, and queues it for the stream.

    Args:
        sink: The stream's queue, or the caller in the same process.
        max_message: The largest reply in bytes.
        failures: What to make of what handlers raise.
        mark_end: Whether the client wants to be told the end of a streaming call's replies.

    Attributes:
        sink: The same.
    """

    def __init__(self, sink: FrameSink, max_message: int, failures: HandlerFailures, *, mark_end: bool) -> None:
        self.sink = sink
        self._failures = failures
        self._max_message = max_message
        self._mark_end = mark_end

    async def ready(self) -> None:
        """Wait while the client is too slow to take more replies."""
        if self.sink.queued_bytes > READ_ON_BELOW:
            await self.sink.drained(READ_ON_BELOW)

    def reply(self, seq_no: int, method: Method[Any, Any], reply: Any) -> None:
        """Send a reply.

        Raises:
            TypeError: It is not a message of the method's response type.
            StatusError: It is too large.
        """
        if not isinstance(reply, method.response_class):
            expected = method.response_class.DESCRIPTOR.full_name
            # Only its type: what it holds is nothing for the client.
            raise TypeError(f"the handler of {method.name} must return a {expected}, it returned {kind_of(reply)}")
        try:
            payload = reply.SerializeToString()
        except (EncodeError, ValueError) as error:
            text = f"the reply of {method.name} cannot be serialized: {error}"
            raise StatusError(grpc.StatusCode.INTERNAL, text) from error
        frame = encode_message(seq_no, method.encoded_name, payload)
        if len(frame) > self._max_message:
            text = (
                f"the reply of {method.name} takes {len(frame)} bytes, more than the limit of {self._max_message}; "
                "raise grpc.max_send_message_length at the server and grpc.max_receive_message_length at the client"
            )
            raise StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, text)
        self.sink.put(frame, UNOWNED)

    async def stream(self, seq_no: int, method: Method[Any, Any], replies: AsyncIterator[Any]) -> None:
        """Send the replies of a streaming call as they come, no faster than the client takes them."""
        try:
            async for reply in replies:
                self.reply(seq_no, method, reply)
                await self.ready()
        finally:
            close = getattr(replies, "aclose", None)
            if close is not None:
                await close()
        if self._mark_end:
            self.sink.put(encode_end(seq_no, method.encoded_name), UNOWNED)

    def failed(self, seq_no: int, method: Method[Any, Any], error: BaseException) -> None:
        """Tell the client what a handler raised. One-way calls have nobody to tell, so it is logged."""
        try:
            self._failures.log(method, error)
            if not method.one_way:
                self.refuse(seq_no, method.name, *self._failures.status_of(method, error))
        except Exception as broken:
            # The client waits all the same, and the stream goes on.
            self._failures.unsendable(method, broken)
            if not method.one_way:
                status = status_within(error)
                code = grpc.StatusCode.UNKNOWN if status is None else status.code()
                self.refuse(seq_no, method.name, code, f"{type(error).__name__}, which cannot be sent")

    def refuse_all(self, requests: Iterable[Message | Frame], error: StatusError) -> None:
        """Answer requests that will not be handled. One-way ones are no matter: nobody waits for this answer."""
        for request in requests:
            self.refuse(request.message_seq_no, request.method, error.code(), error.message)

    def unserved(self, seq_no: int, name: str) -> None:
        """Answer a request for a method that no service has, one-way ones too: we cannot know what it was."""
        self._failures.unserved(name)
        self.refuse(seq_no, name, grpc.StatusCode.UNIMPLEMENTED, f"no handler registered for method {name}")

    def malformed(self, seq_no: int, name: str, error: StatusError) -> None:
        """Answer what is no request of the method."""
        self._failures.refused(name, error.code())
        self.refuse(seq_no, name, error.code(), error.message)

    def too_late(self, seq_no: int, ctx: ServerContext) -> None:
        """Answer a request that nobody waits for any more, unless its caller has said so itself."""
        if ctx.failure is None:  # its handler was not even called
            code = grpc.StatusCode.CANCELLED if ctx.given_up else grpc.StatusCode.DEADLINE_EXCEEDED
            self._failures.refused(ctx.method, code)
        if not ctx.given_up:
            text = f"the time for {ctx.method} was up before it was handled"
            self.refuse(seq_no, ctx.method, grpc.StatusCode.DEADLINE_EXCEEDED, text)

    def overloaded(self, request: Message | Frame) -> None:
        """Answer a request for which there is no room."""
        if request.cancel:
            return  # it is none
        self._failures.refused(request.method, grpc.StatusCode.RESOURCE_EXHAUSTED)
        text = f"too many requests are waiting for their handlers: {shown(request.method, 200)} was refused"
        self.refuse(request.message_seq_no, request.method, grpc.StatusCode.RESOURCE_EXHAUSTED, text)

    def refuse(self, seq_no: int, name: str, code: grpc.StatusCode, message: str, details: Iterable[Any] = ()) -> None:
        """Answer a request with an error."""
        text = message[:MAX_STATUS_MESSAGE].encode(errors="replace").decode()
        status = Status(code=code.value[0], message=text)
        for detail in details:
            if isinstance(detail, AnyMessage):
                status.details.append(detail)
            else:
                status.details.add().Pack(detail)
        frame = encode_error(seq_no, method_field(name), status)
        if len(frame) > self._max_message:
            status.ClearField("details")
            frame = encode_error(seq_no, method_field(name), status)
        self.sink.put(frame, UNOWNED)


def kind_of(reply: object) -> str:
    """What a handler has returned, for texts: never the value itself, which may be secret, or print as nothing."""
    if reply is None:
        return "None"
    if isinstance(reply, ProtobufMessage):
        return f"a {reply.DESCRIPTOR.full_name}"
    return f"a {type(reply).__name__}"
