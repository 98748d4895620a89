"""How many messages go into one envelope."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pygorums.wire.batching import MAX_ENVELOPE, envelope, envelope_end

SIZES = st.lists(
    st.one_of(st.integers(0, 200), st.integers(0, MAX_ENVELOPE // 3), st.just(2 * MAX_ENVELOPE)), max_size=8
)


@settings(max_examples=50)
@given(SIZES)
def test_envelopes_hold_all_frames_in_order_and_stay_under_the_limit(sizes: list[int]) -> None:
    frames = [bytes(size) for size in sizes]
    start = 0
    while start < len(frames):
        end = envelope_end(frames, start)
        assert end > start
        if end - start > 1:
            assert len(envelope(frames[start:end])) < MAX_ENVELOPE
        if end < len(frames) and end - start >= 1:
            # One more would not have fitted.
            assert len(envelope(frames[start : end + 1])) >= MAX_ENVELOPE
        start = end


def test_a_frame_that_is_larger_than_an_envelope_goes_alone() -> None:
    frames = [b"a", bytes(2 * MAX_ENVELOPE), b"b", b"c"]
    assert [envelope_end(frames, start) for start in (0, 1, 2)] == [1, 2, 4]
