"""Which metadata can travel."""

from typing import Any

import pytest

from pygorums import Metadata
from pygorums.base.metadata import encode_entries, pairs_of, stream_pairs
from pygorums.wire.stream_pb2 import Message


def test_mappings_and_pairs() -> None:
    assert pairs_of({"a": "1", "b": "2"}) == (("a", "1"), ("b", "2"))
    assert pairs_of([("a", "1"), ("a", "2")]) == (("a", "1"), ("a", "2"))
    assert pairs_of(None) == ()


@pytest.mark.parametrize(
    ("metadata", "error", "problem"),
    [
        ({"Key": "v"}, ValueError, "lower-case"),
        ({"": "v"}, ValueError, "lower-case"),
        ({"a b": "v"}, ValueError, "lower-case"),
        ({"data-bin": "v"}, ValueError, "'-bin'"),
        ({"key": "\ud800"}, ValueError, "UTF-8"),
        ({"key": b"v"}, TypeError, "must be strings"),
        ({1: "v"}, TypeError, "must be strings"),
        (["key"], TypeError, "pairs of strings"),
        ([("a", "b", "c")], TypeError, "pairs of strings"),
        ([("a", "b")] * 10_001, ValueError, "10001 pairs: a message may have 10000"),
    ],
)
def test_metadata_that_cannot_travel(metadata: object, error: type[Exception], problem: str) -> None:
    with pytest.raises(error, match=problem):
        pairs_of(metadata)  # type: ignore[arg-type] # wrong on purpose


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [("key", "grüß", "ASCII"), ("key", "a\nb", "ASCII"), ("grpc-x", "v", "reserved"), ("pygorums-x", "v", "reserved")],
)
def test_streams_take_less(key: str, value: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        stream_pairs({key: value})


def test_streams_carry_bytes() -> None:
    """Under keys that say so."""
    pairs: list[tuple[str, str | bytes]] = [("a-bin", b"\x00\xff"), ("a-bin", b""), ("b", "text")]
    assert stream_pairs(pairs) == tuple(pairs)
    buffer: Any = bytearray(b"x")
    assert stream_pairs({"a-bin": buffer}) == (("a-bin", b"x"),)


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("key", b"v", "must be a string, not b'v'; the keys of bytes end in '-bin'"),
        ("key-bin", "v", "must be bytes, as the key ends in '-bin', not 'v'"),
        ("key", 7, "must be a string, not 7$"),
        (7, b"v", "must be strings"),
    ],
)
def test_bytes_and_text_are_told_apart(key: Any, value: Any, problem: str) -> None:
    with pytest.raises(TypeError, match=problem):
        stream_pairs({key: value})


def test_unicode_travels_with_a_message() -> None:
    message = Message.FromString(encode_entries(pairs_of({"who": "Zoë"})))
    assert [(entry.key, entry.value) for entry in message.entry] == [("who", "Zoë")]


def test_a_key_may_have_several_values() -> None:
    metadata = Metadata([("a", "1"), ("b", "x"), ("a", "2")])
    assert metadata["a"] == "1"
    assert metadata.get_all("a") == ("1", "2")
    assert metadata.get_all("z") == ()
    assert metadata.get("z") is None
    assert list(metadata) == ["a", "b"]
    assert len(metadata) == 2
    assert metadata.pairs == (("a", "1"), ("b", "x"), ("a", "2"))


class Counted(str):
    """A key that counts how often it is looked at."""

    looks = 0

    def __eq__(self, other: object) -> bool:
        Counted.looks += 1
        return str.__eq__(self, other)

    def __hash__(self) -> int:
        Counted.looks += 1
        return str.__hash__(self)


def test_reading_all_metadata_takes_twice_as_long_for_twice_as_much() -> None:
    looks = []
    for count in (1000, 2000):
        metadata = Metadata([(Counted(f"key-{n}"), str(n)) for n in range(count)])
        Counted.looks = 0
        assert dict(metadata) == {f"key-{n}": str(n) for n in range(count)}
        assert [metadata.get_all(key) for key in metadata][-1] == (str(count - 1),)
        looks.append(Counted.looks)
    assert looks[1] < 3 * looks[0]
