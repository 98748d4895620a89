"""What two ends of a stream agree on: the same at both, and nothing that one of them has not offered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygorums.wire.batching import MAX_ENVELOPE
from pygorums.wire.handshake import (
    CANCEL_KEY,
    EXTENSIONS,
    HEARTBEAT_KEY,
    HEARTBEAT_WANTED_KEY,
    INSTANCE_KEY,
    MAX_MESSAGE_KEY,
    NO_LIMIT,
    NODE_ID_KEY,
    PATIENCE,
    PEERS_KEY,
    SLOWEST,
    Agreement,
    Pairs,
    Terms,
    claimed_node_id,
    instance_of,
)

PLAIN = Agreement(
    batching=False,
    stream_end=False,
    cancel=False,
    drain=False,
    heartbeat=None,
    heartbeat_wanted=None,
    largest=NO_LIMIT,
    envelope_limit=MAX_ENVELOPE,
)
OURS = Terms(EXTENSIONS, 4 << 20, None, 10.0, 1.0)
KEYS = [*dict(EXTENSIONS), HEARTBEAT_KEY, HEARTBEAT_WANTED_KEY, MAX_MESSAGE_KEY, NODE_ID_KEY, INSTANCE_KEY, PEERS_KEY]

seconds = st.integers(1, 10**9).map(lambda milliseconds: milliseconds / 1000)
limits = st.integers(0, 1 << 40)
terms = st.builds(
    Terms,
    st.sets(st.sampled_from(EXTENSIONS)).map(lambda chosen: tuple(pair for pair in EXTENSIONS if pair in chosen)),
    limits,
    st.none() | limits.map(lambda limit: limit % 10**12),
    seconds,
    seconds,
)
metadata = st.lists(
    st.tuples(st.sampled_from([*KEYS, "user-agent"]), st.text(max_size=20) | st.binary(max_size=20) | st.just("1"))
).map(tuple)


@given(terms, terms)
def test_both_ends_come_to_the_same(opener: Terms, acceptor: Terms) -> None:
    answer = acceptor.answer(opener.offer())
    ours, theirs = opener.opened(answer), acceptor.accepted(opener.offer(), answer)
    assert (ours.batching, ours.stream_end, ours.cancel) == (theirs.batching, theirs.stream_end, theirs.cancel)
    assert ours.drain == theirs.drain
    assert ours.heartbeat == theirs.heartbeat == max(opener.heartbeat, acceptor.shortest_heartbeat)
    assert ours.heartbeat_wanted == max(acceptor.heartbeat, opener.shortest_heartbeat)
    assert ours.largest == (NO_LIMIT if acceptor.max_receive is None else acceptor.max_receive)
    assert theirs.largest == (NO_LIMIT if opener.max_receive is None else opener.max_receive)
    assert ours.envelope_limit == min(MAX_ENVELOPE, opener.max_send, ours.largest)
    assert set(answer) & set(EXTENSIONS) == set(opener.extensions) & set(acceptor.extensions)


@given(terms, metadata)
def test_nothing_is_confirmed_that_was_not_offered(acceptor: Terms, offered: Pairs) -> None:
    answer = acceptor.answer(offered)
    keys = {key for key, _ in offered}
    if HEARTBEAT_KEY in keys:
        keys.add(HEARTBEAT_WANTED_KEY)
    confirmed = {key for key, _ in answer} - {MAX_MESSAGE_KEY}
    assert confirmed <= keys
    assert bool(confirmed) == bool(answer), "a limit alone is told to nobody"


@given(terms, metadata)
def test_whatever_a_peer_says_can_be_read(ours: Terms, said: Pairs) -> None:
    for agreement in (ours.opened(said), ours.accepted(said, ours.answer(said))):
        assert agreement.envelope_limit <= MAX_ENVELOPE
        assert agreement.heartbeat is None or agreement.heartbeat > 0
    claim = claimed_node_id(said)
    assert (claim is None) == all(key != NODE_ID_KEY or isinstance(value, bytes) for key, value in said)
    instance_of(said)


def test_who_says_nothing_gets_the_protocol_without_extensions() -> None:
    assert OURS.answer((("user-agent", "grpc-go/1.80"), (NODE_ID_KEY, "2"))) == ()
    assert OURS.opened(()) == OURS.accepted((), ()) == PLAIN
    assert PLAIN.unannounced == NO_LIMIT


def test_what_is_sent() -> None:
    """As docs/wire.md says, byte for byte."""
    offer = (
        ("pygorums-batch", "1"),
        ("pygorums-stream-end", "1"),
        ("pygorums-cancel", "1"),
        ("pygorums-drain", "1"),
        ("pygorums-max-message", "65536"),
        ("pygorums-heartbeat", "2000"),
    )
    assert Terms(EXTENSIONS, NO_LIMIT, 1 << 16, 2.0, 1.0).offer() == offer
    assert Terms(((CANCEL_KEY, "1"),), NO_LIMIT, 1000, 20.0, 5.0).answer(offer) == (
        ("pygorums-cancel", "1"),
        ("pygorums-heartbeat", "5000"),
        ("pygorums-heartbeat-wanted", "20000"),
        ("pygorums-max-message", "1000"),
    )


@pytest.mark.parametrize(
    ("pairs", "heartbeat"),
    [
        ((("pygorums-heartbeat", "10000"),), 10.0),
        ((("other", "1"), ("pygorums-heartbeat", "250")), 1.0),
        ((("pygorums-heartbeat", "0"),), 1.0),
        ((("pygorums-heartbeat", ""),), None),
        ((("pygorums-heartbeat", "-5"),), None),
        ((("pygorums-heartbeat", "1e3"),), None),
        ((("pygorums-heartbeat", "\u00b2"),), None),
        ((("pygorums-heartbeat", b"1000"),), None),
        ((("pygorums-heartbeat", "9" * 400),), None),
    ],
)
def test_the_heartbeat_that_is_granted(pairs: Pairs, heartbeat: float | None) -> None:
    answer = OURS.answer(pairs)
    assert OURS.accepted(pairs, answer).heartbeat == heartbeat == OURS.opened(answer).heartbeat


@pytest.mark.parametrize(
    ("value", "largest"),
    [("65536", 65536), ("0", 0), ("", NO_LIMIT), ("-1", NO_LIMIT), ("\u00b2", NO_LIMIT), ("9" * 400, 10**12 - 1)],
)
def test_the_largest_message(value: str, largest: int) -> None:
    assert OURS.opened(((MAX_MESSAGE_KEY, value),)).largest == largest


@pytest.mark.parametrize("interval", [0.05, 0.2, 1, 2, 10, 60, 3600])
def test_what_comes_unannounced_arrives_in_time_at_the_slowest_rate(interval: float) -> None:
    """A sign of life is due after half the interval, and may have to wait behind that much."""
    unannounced = (
        Terms(EXTENSIONS, NO_LIMIT, None, 10, 0.01)
        .accepted(((HEARTBEAT_KEY, str(round(interval * 1000))),), ())
        .unannounced
    )
    assert interval / 2 + unannounced / SLOWEST <= interval * PATIENCE
    assert unannounced <= MAX_ENVELOPE


@pytest.mark.parametrize(
    ("value", "instance"),
    [("0123456789abcdef" * 2, "0123456789abcdef" * 2), ("ABCDEF" * 6, None), ("0" * 31, None), ("0" * 33, None)],
)
def test_an_instance_is_32_hexadecimal_digits(value: str, instance: str | None) -> None:
    assert instance_of(((INSTANCE_KEY, b"x"), (INSTANCE_KEY, value))) == instance


def test_every_key_is_documented() -> None:
    from pathlib import Path

    page = (Path(__file__).parents[3] / "docs" / "wire.md").read_text()
    assert not [key for key in KEYS if f"`{key}" not in page]
