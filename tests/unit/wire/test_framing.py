"""What is written by hand is what protobuf would write, and reads back."""

from collections.abc import Iterable

import pytest
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status
from hypothesis import given, settings
from hypothesis import strategies as st

from pygorums.wire import framing
from pygorums.wire.batching import envelope
from pygorums.wire.framing import (
    ANNOUNCEMENT,
    encode_ack,
    encode_message,
    encode_session_end,
    pieces,
    sign_end,
    split,
)
from pygorums.wire.stream_pb2 import Frame, Message, MetadataEntry

SEQ_NOS = st.one_of(st.integers(0, 300), st.integers(0, (1 << 64) - 1))
TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=30)


@given(SEQ_NOS, TEXT, st.binary(max_size=300), st.lists(st.tuples(TEXT, TEXT), max_size=3))
def test_a_message_has_the_bytes_that_protobuf_gives_it(
    seq_no: int, method: str, payload: bytes, entries: list[tuple[str, str]]
) -> None:
    encoded_entries = b"".join(framing.entry_field(key, value) for key, value in entries)
    encoded = framing.encode_message(seq_no, framing.method_field(method), payload, encoded_entries)
    expected = Message(
        message_seq_no=seq_no,
        method=method,
        entry=[MetadataEntry(key=key, value=value) for key, value in entries],
        payload=payload,
    )
    assert encoded == expected.SerializeToString(deterministic=True)


@given(SEQ_NOS, TEXT, st.integers(1, 16), TEXT)
def test_an_error_has_the_bytes_that_protobuf_gives_it(seq_no: int, method: str, code: int, text: str) -> None:
    status = Status(code=code, message=text)
    encoded = framing.encode_error(seq_no, framing.method_field(method), status)
    expected = Message(message_seq_no=seq_no, method=method, status=status)
    assert encoded == expected.SerializeToString(deterministic=True)


def test_the_end_of_a_call_reads_back() -> None:
    message = Message.FromString(framing.encode_end(7, framing.method_field("calls.Calls.Follow")))
    assert message == Message(message_seq_no=7, method="calls.Calls.Follow", end=True)


@given(
    st.lists(st.builds(Message, message_seq_no=st.integers(1, 1 << 63), payload=st.binary(max_size=200)), min_size=2)
)
def test_an_envelope_is_taken_apart_in_order(messages: list[Message]) -> None:
    data = envelope([message.SerializeToString() for message in messages])
    assert list(framing.split(data, batching=True)) == messages


def test_a_lone_message_reads_the_same_with_and_without_batching() -> None:
    data = Message(message_seq_no=3, method="m", payload=b"x").SerializeToString()
    (plain,), (frame,) = framing.split(data, batching=False), framing.split(data, batching=True)
    assert (plain.message_seq_no, plain.method, plain.payload) == (frame.message_seq_no, frame.method, frame.payload)


def test_without_batching_field_15_is_an_unknown_field() -> None:
    # Not even a message: a peer that never heard of batching may use the number for anything.
    data = Message(message_seq_no=4, method="m").SerializeToString() + b"\x7a\x03abc"
    (message,) = framing.split(data, batching=False)
    assert message.message_seq_no == 4
    with pytest.raises(DecodeError):
        framing.split(data, batching=True)


def test_an_envelope_in_an_envelope_is_an_empty_message() -> None:
    inner = envelope([Message(message_seq_no=1, method="a").SerializeToString()] * 2)
    messages = framing.split(envelope([inner, inner]), batching=True)
    assert [(m.message_seq_no, m.method, m.payload) for m in messages] == [(0, "", b"")] * 2


@given(st.binary(max_size=200), st.booleans())
def test_random_bytes_are_a_message_or_refused(data: bytes, batching: bool) -> None:
    try:
        messages = framing.split(data, batching=batching)
    except DecodeError:
        return
    assert all(isinstance(message, Message | Frame) for message in messages)


@given(st.integers(0, (1 << 64) - 1))
def test_varints_read_back(number: int) -> None:
    encoded = framing.varint(number)
    assert sum((byte & 127) << (7 * index) for index, byte in enumerate(encoded)) == number
    assert all(byte & 128 for byte in encoded[:-1])
    assert not encoded[-1] & 128


MESSAGES = st.lists(
    st.binary(max_size=40).map(lambda payload: encode_message(1, b"", payload)), min_size=1, max_size=30
)


@given(MESSAGES, st.integers(0, 200), st.binary(max_size=6))
@settings(max_examples=200)
def test_the_pieces_of_an_envelope_hold_the_same_messages(frames: list[bytes], size: int, end: bytes) -> None:
    """Whatever comes behind them."""
    data = envelope(frames)
    cut = list(pieces(data, size))
    assert b"".join(cut) == data
    assert [m for piece in cut for m in split(piece, batching=True)] == list(Frame.FromString(data).batch)
    assert all(len(piece) <= size + max(map(len, frames)) + 6 for piece in cut)
    whole = outcome([data + end])
    assert whole is None or outcome(pieces(data + end, size)) == whole


def outcome(parts: Iterable[bytes]) -> list[bytes] | None:
    try:
        return [message.SerializeToString() for part in parts for message in split(part, batching=True)]
    except DecodeError:
        return None


@pytest.mark.parametrize(
    "data", [b"", b"\x7a", b"\x7a\x80", b"\x7a" + b"\x80" * 100_000, b"\x7a\x05a", b"\x08\x01" * 9, b"\x7a\x00" * 9]
)
def test_what_is_no_whole_envelope_is_left_to_the_parser(data: bytes) -> None:
    assert b"".join(pieces(data, 4)) == data


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (encode_ack(0), 2),
        (encode_ack(300) + b"\x08\x01", 3),
        (encode_session_end(1) + b"\x08\x01", 4),  # nothing may follow
        (ANNOUNCEMENT + b"\x01", 2),
        (b"\x68\xff", 2),
        (b"\x68" + b"\xff" * 20, 21),
    ],
)
def test_where_a_sign_ends(data: bytes, end: int) -> None:
    assert sign_end(data) == end
