"""The fuzzer's invariants hold for what hypothesis finds, and for a few of the fuzzer's own seeds."""

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.robustness.fuzz_http2 import check_bytes, check_conversation, check_frames
from tests.unit.transports.http2.raw import GRPC, block, frame, setting

REQUEST = frame(1, 4, 1, block(*GRPC))


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.binary(max_size=200), st.booleans(), st.booleans(), st.integers(0, 1000))
@example(b"", True, True, 0)
@example(REQUEST + frame(0, 0, 1, b"\0\0\0\0\3ab"), True, True, 1)
@example(frame(1, 4, 1, b"\x3f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), True, True, 1)
@example(setting((1, 0), (4, 0), (5, 1 << 20), (6, 0)) + REQUEST, True, True, 1)
def test_any_bytes(data: bytes, server: bool, begun: bool, seed: int) -> None:
    check_bytes(data, server=server, begun=begun, chance=random.Random(seed))


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 255), st.integers(0, 5), st.binary(max_size=20))))
def test_any_frames(parts: list[tuple[int, int, int, bytes]]) -> None:
    raw = b"".join(frame(*part) for part in parts)
    for server in (True, False):
        check_bytes(raw, server=server, begun=True, chance=random.Random(len(raw)))
        check_bytes(REQUEST + raw, server=server, begun=True, chance=random.Random(len(raw)))


@pytest.mark.parametrize("seed", range(30))
def test_frames_that_are_mostly_right(seed: int) -> None:
    check_frames(random.Random(seed), 30)


@pytest.mark.parametrize("seed", range(15))
def test_two_ends_of_ours_understand_each_other(seed: int) -> None:
    check_conversation(random.Random(seed))
