"""A timeout as gRPC writes it."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygorums.base.metadata import pairs_of
from pygorums.wire.framing import entry_field
from pygorums.wire.stream_pb2 import Message
from pygorums.wire.timeouts import TIMEOUT_KEY, parse_timeout, timeout_field

VALUES = [
    (1.5, "1500m"),
    (1, "1000m"),
    (0.25, "250m"),
    (0.1 + 0.2, "300m"),
    (0.0015, "1500u"),
    (0.0000005, "1u"),
    (5e-324, "1u"),
    (0, "1n"),
    (-3, "1n"),
    (99.9999991, "100000m"),
    (99.9999989, "99999999u"),
    (100.0000001, "100001m"),
    (99_999.999, "99999999m"),
    (100_000, "100000S"),
    (99_999_999, "99999999S"),
    (100_000_000, "1666667M"),
    (1e10, "2777778H"),
    (1e300, "99999999H"),
    (1.7e308, "99999999H"),
    (10**300, "99999999H"),
]


def value_of(field: bytes) -> str:
    (entry,) = Message.FromString(field).entry
    assert entry.key == "grpc-timeout"
    return entry.value


@pytest.mark.parametrize(("seconds", "value"), VALUES)
def test_values(seconds: float, value: str) -> None:
    assert value_of(timeout_field(seconds)) == value
    assert timeout_field(seconds) == entry_field(TIMEOUT_KEY, value)


@given(st.floats(min_value=0, max_value=3e11, exclude_min=True))
def test_it_is_told_in_the_format_of_grpc_and_never_less_than_there_is(seconds: float) -> None:
    value = value_of(timeout_field(seconds))
    assert re.fullmatch("[1-9][0-9]{0,7}[HMSmu]", value)
    told = parse_timeout(value)
    assert told is not None
    assert told >= seconds - 1e-9 or math.isclose(told, seconds)
    assert told <= seconds * 1.001 + 1e-6


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1500m", 1.5),
        ("00000001S", 1.0),
        ("0S", 0.0),
        ("2M", 120.0),
        ("1H", 3600.0),
        ("7u", 7e-6),
        ("1n", 1e-9),
        ("99999999H", 99_999_999 * 3600.0),
    ],
)
def test_what_is_read(value: str, seconds: float) -> None:
    assert parse_timeout(value) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "value", ["", "5", "m", "-5m", "+5m", "1.5S", "123456789m", "5s", "5h", " 5m", "5m ", "٣m", "5mm"]
)
def test_what_is_not_in_the_format_is_as_if_it_were_not_there(value: str) -> None:
    assert parse_timeout(value) is None


def test_the_key_is_reserved_in_the_metadata_of_a_message() -> None:
    with pytest.raises(ValueError, match="give the call a timeout"):
        pairs_of({"grpc-timeout": "5S"})
