"""Options that concern us: what they mean, and which values they may have."""

import math
import sys
from typing import Any

import pytest

from pygorums import ConfigurationError
from pygorums.streams.options import DEFAULT_OPTIONS, StreamOptions
from pygorums.wire.handshake import BATCH_KEY, CANCEL_KEY, NO_LIMIT, STREAM_END_KEY


def test_only_what_is_not_ours_goes_to_grpc() -> None:
    given = [("grpc.enable_retries", 0), ("pygorums.max_streams", 3), ("pygorums.cancel", True), ("custom", "x")]
    assert StreamOptions.of(given).grpc == (("grpc.enable_retries", 0), ("custom", "x"))


@pytest.mark.parametrize(
    ("name", "key"),
    [("pygorums.batching", BATCH_KEY), ("pygorums.stream_end", STREAM_END_KEY), ("pygorums.cancel", CANCEL_KEY)],
)
def test_extensions_can_be_turned_off(name: str, key: str) -> None:
    all_of_them = DEFAULT_OPTIONS.terms.extensions
    assert StreamOptions.of([(name, 1)]).terms.extensions == all_of_them
    without = tuple(pair for pair in all_of_them if pair[0] != key)
    assert len(without) == len(all_of_them) - 1
    assert StreamOptions.of([(name, 0)]).terms.extensions == without


@pytest.mark.parametrize(
    ("name", "attribute", "default"),
    [
        ("pygorums.max_released_handlers", "max_released", 4096),
        ("pygorums.max_held_bytes", "max_held", 1 << 30),
        ("pygorums.max_streams", "max_streams", 10_000),
        ("pygorums.max_streams_by_address", "max_streams_by_address", 10_000),
    ],
)
def test_limits_are_whole_numbers(name: str, attribute: str, default: int) -> None:
    assert getattr(DEFAULT_OPTIONS, attribute) == default
    for value in (1, 7, sys.maxsize):
        assert getattr(StreamOptions.of([(name, value)]), attribute) == value
    for wrong in (0, -1, 1.5, "7", None):
        with pytest.raises(ConfigurationError, match=f"{name} is a whole number from 1, not {wrong!r}"):
            StreamOptions.of([(name, wrong)])


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("pygorums.shortest_heartbeat_ms", (1, 20.5, 1 << 40), (0, 0.5, -1, math.nan, math.inf, "1", None)),
        ("pygorums.slow_handler_seconds", (0, 0.1, 1 << 31), (-0.1, math.nan, math.inf, "1", None)),
    ],
)
def test_times_are_numbers(name: str, right: tuple[float, ...], wrong: tuple[Any, ...]) -> None:
    for value in right:
        options = StreamOptions.of([(name, value)])
        assert value in (options.slow_handler, options.terms.shortest_heartbeat * 1000)
    for value in wrong:
        with pytest.raises(ConfigurationError, match=f"{name} is a number of"):
            StreamOptions.of([(name, value)])


def test_what_is_misspelt_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"unknown option 'pygorums.batch': .*pygorums.batching.*max_streams"):
        StreamOptions.of([("pygorums.batch", 0)])
    for wrong in (["grpc.x"], 5):
        with pytest.raises(ConfigurationError, match="pairs of name and value"):
            StreamOptions.of(wrong)  # type: ignore[arg-type] # that is the fault


def test_sizes_are_those_of_grpc() -> None:
    assert (DEFAULT_OPTIONS.max_message, DEFAULT_OPTIONS.terms.max_receive) == (4 << 20, None)
    smaller = StreamOptions.of([("grpc.max_send_message_length", 9), ("grpc.max_receive_message_length", 8)])
    assert (smaller.max_message, smaller.terms.max_send, smaller.terms.max_receive) == (9, 9, 8)
    assert StreamOptions.of([("grpc.max_send_message_length", -1)]).max_message == NO_LIMIT
