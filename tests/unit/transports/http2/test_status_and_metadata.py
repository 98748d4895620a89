"""Statuses, timeouts and metadata as they are on the wire."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pygorums.transports.http2.events import (
    RequestReceived,
)
from pygorums.transports.http2.metadata import read_metadata, write_metadata
from pygorums.transports.http2.status import (
    decode_code,
    decode_message,
    decode_timeout,
    encode_message,
)
from tests.unit.transports.http2.pair import Pair
from tests.unit.transports.http2.raw import (
    GRPC,
    receive,
    request,
)


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        (b"1H", 3600.0),
        (b"2M", 120.0),
        (b"03S", 3.0),
        (b"4m", 0.004),
        (b"5u", 5e-6),
        (b"99999999n", 0.099999999),
        (b"0S", 0),
    ],
)
def test_timeouts(raw: bytes, seconds: float) -> None:
    assert decode_timeout(raw) == pytest.approx(seconds)
    pair = Pair()
    pair.run()
    [event] = receive(pair.server, request(1, (*GRPC, ("grpc-timeout", raw.decode()))))
    assert isinstance(event, RequestReceived)
    assert event.stream.timeout == pytest.approx(seconds)


@pytest.mark.parametrize("raw", [b"", b"S", b"1", b"1s", b"123456789S", b"-1S", b"1.5S", b" 1S", b"\xd9\xa1S"])
def test_what_is_no_timeout(raw: bytes) -> None:
    with pytest.raises(ValueError, match="grpc-timeout"):
        decode_timeout(raw)


@pytest.mark.parametrize(
    ("raw", "code"),
    [(b"0", 0), (b"16", 16), (b"07", 7), (b"17", 2), (b"", 2), (b"x", 2), (b"-1", 2), (b"5 ", 2), (b"\xd9\xa3", 2)],
)
def test_status_codes(raw: bytes, code: int) -> None:
    assert decode_code(raw) == code


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ("", b""),
        ("a b", b"a b"),
        (" a ", b"%20a%20"),
        ("100%", b"100%25"),
        ("é\n", b"%C3%A9%0A"),
        ("~\x7f", b"~%7F"),
        (" ", b"%20"),
    ],
)
def test_status_messages(text: str, raw: bytes) -> None:
    assert encode_message(text) == raw
    assert decode_message(raw) == text


@pytest.mark.parametrize(("raw", "text"), [(b"%", "%"), (b"%zz%4", "%zz%4"), (b"%FF", "\ufffd"), (b"a+b", "a+b")])
def test_status_messages_that_are_not_encoded_well(raw: bytes, text: str) -> None:
    assert decode_message(raw) == text


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.text())
@example("\ud800")
def test_any_status_message_travels(text: str) -> None:
    raw = encode_message(text)
    assert raw.isascii()
    assert raw.decode().isprintable()
    assert raw == raw.strip()
    assert decode_message(raw) == text.encode(errors="replace").decode()


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(["a-bin", "b-bin"]), st.binary())))
def test_any_bytes_travel_in_metadata(pairs: list[tuple[str, bytes]]) -> None:
    assert read_metadata(write_metadata(pairs)) == tuple(pairs)


@pytest.mark.parametrize(
    ("raw", "values"),
    [
        (b"AP8", [b"\0\xff"]),
        (b"AP8=", [b"\0\xff"]),
        (b"AP8,AQ==, Ag", [b"\0\xff", b"\1", b"\2"]),
        (b"", [b""]),
        (b"YQ==,", [b"a", b""]),
    ],
)
def test_bytes_in_metadata_as_others_write_them(raw: bytes, values: list[bytes]) -> None:
    assert read_metadata([(b"k-bin", raw)]) == tuple(("k-bin", value) for value in values)


@pytest.mark.parametrize("raw", [b"!", b"A", b"AP8 AP8", b"A=P8"])
def test_what_is_no_base64(raw: bytes) -> None:
    with pytest.raises(ValueError, match="'k-bin' is not base64"):
        read_metadata([(b"k-bin", raw)])
