"""The fuzz target's invariant holds for the inputs that hypothesis finds, which needs no fuzzer."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pygorums.wire.stream_pb2 import Frame, Message
from tests.robustness.fuzz_frames import check

messages = st.builds(
    Message,
    message_seq_no=st.one_of(st.integers(0, 10), st.integers(2**63, 2**64 - 1)),
    method=st.text(max_size=5),
    payload=st.binary(max_size=10),
    end=st.booleans(),
)


@settings(derandomize=True)
@given(st.binary(max_size=200))
@example(b"")
@example(b"\x7a\x00" * 1000)
@example(b"\x7a\xff\xff\xff\xff\x0f")
def test_any_bytes(data: bytes) -> None:
    check(data)


@settings(derandomize=True)
@given(st.lists(messages, max_size=5), st.integers(0, 400), st.integers(0, 255))
def test_messages_with_a_byte_changed(parts: list[Message], place: int, byte: int) -> None:
    raw = bytearray(Frame(batch=parts).SerializeToString())
    check(bytes(raw))
    if place < len(raw):
        raw[place] = byte
        check(bytes(raw))
