"""Messages of a node stream as bytes.

What is sent is written here by hand: a request is encoded once and the same bytes go to every node, and
joining a few byte strings costs less than filling a protobuf object. Reading is left to protobuf.
Fields are written in the order of their numbers and zero values are left out, as protobuf does, so a
message has the same bytes as one that a Go peer would send.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from google.rpc.status_pb2 import Status

from pygorums.wire.stream_pb2 import Frame, Message

__all__ = [
    "ACK",
    "ANNOUNCEMENT",
    "LAST_CALL",
    "MAYBE_SIGN",
    "NO_SIGN",
    "PIECE",
    "SERVER_INITIATED",
    "SIGNS",
    "Frame",
    "Message",
    "Status",
    "encode_ack",
    "encode_announcement",
    "encode_cancel",
    "encode_end",
    "encode_error",
    "encode_message",
    "encode_session_end",
    "entry_field",
    "is_server_initiated",
    "method_field",
    "pieces",
    "sign_end",
    "split",
    "varint",
]

SERVER_INITIATED = 1 << 63
"""Set in the sequence number of a call that was started by the side that accepted the stream."""

ANNOUNCEMENT = b"\x50"  # field 10, varint
"""What a message begins with that only tells the length of the next."""

_SESSION_END = b"\x60"  # field 12, varint
ACK = b"\x68"  # field 13, varint
"""What a message begins with that tells how many were taken. The rest of it may be a message of any other kind."""

SIGNS = (ANNOUNCEMENT, _SESSION_END, ACK)
"""What a message begins with that is none, but tells something of the stream or of its session."""

MAYBE_SIGN, NO_SIGN = b"\x50", b"\x70"
"""What is not between these does not begin so: to compare is the quickest way of finding out."""

_SEQ_NO = b"\x08"  # field 1, varint
_METHOD = b"\x12"  # field 2, length-delimited
_STATUS = b"\x1a"  # field 3
_ENTRY = b"\x22"  # field 4
_PAYLOAD = b"\x2a"  # field 5
_CANCEL = b"\x58\x01"  # field 11, varint, true
_END = b"\x70\x01"  # field 14, varint, true
_CREDIT = b"\x80\x01"  # field 16, varint

_LAST = [bytes((n,)) for n in range(128)]  # the bytes of a varint: one that ends it, and one that more follow
_MORE = [bytes((n | 128,)) for n in range(128)]
_SEQ_NO_AND_MORE = [_SEQ_NO + more for more in _MORE]


def varint(number: int) -> bytes:
    """A non-negative integer of up to 64 bits as a protobuf varint."""
    if number < 128:
        return _LAST[number]
    return _MORE[number & 127] + varint(number >> 7)


_recent = (0, varint(0))  # the upper bits of the last sequence number, and how they are written


def _seq_no_field(seq_no: int) -> bytes:
    """The field of a sequence number: one that shares its upper bits with the last one, most likely."""
    global _recent
    upper, encoded = _recent  # read and written as one, for other threads do so too
    if upper != seq_no >> 7:
        upper = seq_no >> 7
        encoded = varint(upper)
        _recent = (upper, encoded)
    if upper:
        return _SEQ_NO_AND_MORE[seq_no & 127] + encoded
    return _SEQ_NO + _LAST[seq_no] if seq_no else b""


def _length_delimited(tag: bytes, content: bytes) -> bytes:
    return tag + varint(len(content)) + content


def method_field(name: str) -> bytes:
    """A method's full name as the field of a message; nothing for the empty name."""
    return _length_delimited(_METHOD, name.encode()) if name else b""


def entry_field(key: str, value: str) -> bytes:
    """One pair of metadata as the field of a message."""
    name, text = key.encode(), value.encode()
    content = _length_delimited(b"\x0a", name) if name else b""  # field 1
    if text:
        content += _length_delimited(b"\x12", text)  # field 2
    return _length_delimited(_ENTRY, content)


def encode_message(seq_no: int, encoded_name: bytes, payload: bytes, entries: bytes = b"") -> bytes:
    """A request or a reply.

    Args:
        seq_no: The call's sequence number, which its replies carry too.
        encoded_name: The method, as `method_field` gives it.
        payload: The serialized application message.
        entries: The message's own metadata, each pair as `entry_field` gives it.
    """
    head = _seq_no_field(seq_no) + encoded_name
    if not payload:
        return head + entries
    return b"".join((head, entries, _PAYLOAD, varint(len(payload)), payload))


def encode_error(seq_no: int, encoded_name: bytes, status: Status) -> bytes:
    """A reply that says how a call failed."""
    return encode_message(seq_no, encoded_name, b"") + _length_delimited(_STATUS, status.SerializeToString())


def encode_end(seq_no: int, encoded_name: bytes) -> bytes:
    """The message that tells that a streaming call gets no more replies from this node."""
    return encode_message(seq_no, encoded_name, b"") + _END


def encode_announcement(length: int) -> bytes:
    """The message that tells how many bytes the next one has."""
    return ANNOUNCEMENT + varint(length)


def encode_ack(taken: int, credit: int | None = None) -> bytes:
    """The message that tells how many messages were taken in a session, and how many bytes more may be sent."""
    return ACK + varint(taken) + (b"" if credit is None else _CREDIT + varint(credit))


def encode_session_end(taken: int) -> bytes:
    """The message that tells that a session ends, in which so many messages were taken."""
    return _SESSION_END + varint(taken)


def encode_cancel(seq_no: int) -> bytes:
    """The message that tells that nobody waits any more for replies to a call."""
    return _seq_no_field(seq_no) + _CANCEL


LAST_CALL = _CANCEL
"""The message that takes leave: `encode_cancel` of the number that no call has. From an acceptor it says that it takes
no more calls, and from the opener that it has sent its last."""


def is_server_initiated(frame: bytes) -> bool:
    """Whether an encoded message belongs to a call of the side that accepted the stream: its number has bit 63 set."""
    # Such a number takes ten bytes, and each of the first nine says that another one follows.
    return len(frame) > 10 and frame[:1] == _SEQ_NO and min(frame[1:10]) > 127


def split(data: bytes, *, batching: bool) -> Sequence[Message | Frame]:
    """The messages in one gRPC message, in order.

    Without batching there is one, and field 15 is one of the unknown fields that are ignored: a peer may use
    it for something else.

    Raises:
        DecodeError: The bytes are not a message.
    """
    if not batching:
        return (Message.FromString(data),)
    frame = Frame.FromString(data)
    return frame.batch or (frame,)


def sign_end(data: bytes) -> int:
    """Where in a message, which begins with a sign, that ends: another message may follow an acknowledgement."""
    if data[:1] != ACK:
        return len(data)
    try:
        _, end = _varint_at(data, 1)
        return _varint_at(data, end + 2)[1] if data[end : end + 2] == _CREDIT else end
    except IndexError:
        return len(data)  # it is cut off, which the parser says better


PIECE = 64 << 10
"""Bytes of an envelope that are parsed at a time."""

_BATCH = 0x7A  # the tag of an entry


def pieces(data: bytes, size: int = PIECE) -> Iterator[bytes]:
    """A large envelope, cut into smaller ones; anything else as it is.

    A message without any content takes two bytes of an envelope, and a hundred once it is parsed.
    """
    start = at = 0
    if len(data) > size and data[0] == _BATCH:
        try:
            while at < len(data) and data[at] == _BATCH:
                # Each piece begins with an entry: only so does the parser know the last one for an envelope.
                if at - start > size:
                    yield data[start:at]
                    start = at
                length, at = _varint_at(data, at + 1)
                at += length
        except IndexError:
            pass  # it is cut off, which the parser says better
    yield data[start:]


def _varint_at(data: bytes, at: int) -> tuple[int, int]:
    """A varint, and where it ends.

    Raises:
        IndexError: It has no end.
    """
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
        if shift > 63:
            raise IndexError
