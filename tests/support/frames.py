"""What goes over a node stream, for peers that are scripted by a test."""

from collections.abc import Iterable, Iterator

from google.rpc.status_pb2 import Status

from pygorums.wire.stream_pb2 import Frame, Message, MetadataEntry

NODE_STREAM = "/stream.Gorums/NodeStream"


def request(seq: int, method: str, payload: bytes = b"", entries: Iterable[tuple[str, str]] = ()) -> Message:
    """A message that starts a call."""
    return Message(
        message_seq_no=seq,
        method=method,
        payload=payload,
        entry=[MetadataEntry(key=key, value=value) for key, value in entries],
    )


def reply(to: Message | Frame, payload: bytes = b"", status: Status | None = None) -> Message:
    """The answer to a message, as every peer gives it: with its sequence number and method."""
    return Message(message_seq_no=to.message_seq_no, method=to.method, payload=payload, status=status)


def failure(to: Message | Frame, code: int, text: str) -> Message:
    """The answer of a peer that refuses a message."""
    return reply(to, status=Status(code=code, message=text))


def envelope(*messages: Message) -> Frame:
    """Several messages in one, for a stream that negotiated batching."""
    return Frame(batch=messages)


def messages_in(frame: Frame) -> Iterator[Message]:
    """The messages of a frame, whether it is an envelope or a message itself."""
    if frame.batch:
        yield from frame.batch
    else:
        yield Message.FromString(frame.SerializeToString())
