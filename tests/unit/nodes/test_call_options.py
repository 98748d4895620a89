"""What a call is made with: its own arguments on top of those of its configuration."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygorums.base.handling import HANDLING
from pygorums.base.metadata import MAX_PAIRS
from pygorums.nodes.call_options import NO_OPTIONS, CallOptions
from pygorums.wire.framing import entry_field


def outer(*_: Any) -> Any:
    """An interceptor."""


def inner(*_: Any) -> Any:
    """Another."""


class Handler:
    """A handler's context, of which so much time is left."""

    over = False

    def __init__(self, left: float | None) -> None:
        self.left = left

    def time_remaining(self) -> float | None:
        return self.left


TIMEOUTS = st.none() | st.sampled_from([0.0, 2, 2.0, 7.5, math.inf])
PAIRS = st.lists(
    st.tuples(st.sampled_from(["a", "b-c"]), st.text(st.characters(codec="utf-8"), max_size=3)), max_size=3
)
WRAPPED = st.lists(st.sampled_from([outer, inner]), max_size=2)
ARGUMENTS = st.tuples(TIMEOUTS, PAIRS, WRAPPED)


def effective(timeouts: list[float | None], left: float | None) -> float | None:
    """The last that was given, or what is left to the handler; None for no limit."""
    given = [timeout for timeout in timeouts if timeout is not None]
    timeout = given[-1] if given else left
    return None if timeout == math.inf else timeout


@given(st.lists(ARGUMENTS, max_size=3), st.lists(ARGUMENTS, min_size=1, max_size=4), st.none() | st.just(1.25))
def test_each_layer_adds_to_those_below(
    layers: list[tuple[Any, Any, Any]], calls: list[tuple[Any, Any, Any]], left: float | None
) -> None:
    base = CallOptions(None, (), b"", ())
    for timeout, metadata, interceptors in layers:
        base = base.extended(timeout=timeout, metadata=metadata, interceptors=interceptors)
    token = HANDLING.set(None if left is None else Handler(left))
    try:
        # Several calls of one configuration: what one brings must not be left to the next.
        for call in calls:
            every = [*layers, call]
            timeouts = [timeout for timeout, _, _ in every]
            pairs = tuple(pair for _, metadata, _ in every for pair in metadata)
            for options, expected in (
                (base.of_waiting(*call), effective(timeouts, left)),
                (base.of_sending(*call), effective(timeouts, None)),
            ):
                assert options.timeout == expected
                assert options.metadata == pairs
                assert options.entries == b"".join(entry_field(*pair) for pair in pairs)
                assert options.interceptors == tuple(one for _, _, interceptors in every for one in interceptors)
    finally:
        HANDLING.reset(token)


@pytest.mark.parametrize("timeout", [None, 3.0])
def test_a_call_that_adds_nothing_shares_the_options_of_its_configuration(timeout: float | None) -> None:
    options = NO_OPTIONS.extended(timeout=timeout, metadata={"a": "b"}, interceptors=[outer])
    assert options.of_waiting(None, None, ()) is options
    assert options.of_sending(None, {}, []) is options
    assert options.extended() is options


def test_calls_with_the_same_timeout_share_their_options() -> None:
    options = NO_OPTIONS.extended(metadata={"a": "b"})
    assert options.of_waiting(2.0, None, ()) is options.of_waiting(2.0, None, ())
    assert options.of_waiting(3.0, None, ()).timeout == 3.0


@pytest.mark.parametrize("make", [CallOptions.of_waiting, CallOptions.of_sending])
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("2", None, ()), TypeError),
        ((math.nan, None, ()), ValueError),
        ((None, {"A": "b"}, ()), ValueError),
        ((None, None, outer), TypeError),
        ((None, [("a", "b")] * MAX_PAIRS, ()), ValueError),  # with the one that is there
    ],
)
def test_arguments_are_checked_though_others_were_good(make: Any, arguments: Any, error: type[Exception]) -> None:
    options = NO_OPTIONS.extended(metadata={"a": "b"})
    make(options, 2.0, None, ())
    with pytest.raises(error):
        make(options, *arguments)
