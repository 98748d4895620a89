"""Metadata: pairs that travel with a stream or with a single message."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from pygorums.wire.framing import entry_field
from pygorums.wire.timeouts import TIMEOUT_KEY

__all__ = [
    "Metadata",
    "MetadataLike",
    "StreamMetadataLike",
    "encode_entries",
    "encode_repeated",
    "pairs_of",
    "stream_pairs",
]

MetadataLike = Mapping[str, str] | Iterable[tuple[str, str]] | None
"""What users give as metadata of a message: a mapping, or pairs where a key may come more than once."""

StreamMetadataLike = Mapping[str, str] | Mapping[str, str | bytes] | Iterable[tuple[str, str | bytes]] | None
"""The same of a stream, whose keys that end in ``-bin`` have bytes as values."""

BINARY = "-bin"
"""How the keys end whose values are bytes."""

RESERVED_PREFIXES = ("grpc-", "pygorums-")
"""Keys that gRPC and pygorums use themselves on a stream."""

MAX_PAIRS = 10_000
"""The most pairs that a message may have. A peer could send millions in one, which take seconds to be read."""

_KEY = re.compile(r"[0-9a-z_.-]+")
_ASCII_VALUE = re.compile(r"[\x20-\x7e]*")


class Metadata(Mapping[str, Any]):
    """Metadata as a handler sees it: an immutable mapping whose keys may have several values.

    ``metadata[key]`` is the first value; `get_all` has all of them. Values of the stream come before
    values of the single message. Keys are lower case. Values are strings; those of the stream whose key ends in
    ``-bin`` are bytes. (To type checkers they are `Any`: a union would have to be narrowed for each text.)
    """

    __slots__ = ("_by_key", "_pairs")

    def __init__(self, pairs: Iterable[tuple[str, str | bytes]] = ()) -> None:
        self._pairs = tuple(pairs)
        self._by_key: dict[str, list[str | bytes]] | None = None  # once it is asked for

    @property
    def _values(self) -> dict[str, list[str | bytes]]:
        if self._by_key is None:
            self._by_key = {}
            for key, value in self._pairs:
                self._by_key.setdefault(key, []).append(value)
        return self._by_key

    def get_all(self, key: str) -> tuple[Any, ...]:
        """All values of `key` in the order they were added; empty if there are none."""
        return tuple(self._values.get(key, ()))

    @property
    def pairs(self) -> tuple[tuple[str, Any], ...]:
        """Every key with every value, in order."""
        return self._pairs

    def __getitem__(self, key: str) -> Any:
        return self._values[key][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Metadata({list(self._pairs)!r})"


def pairs_of(metadata: MetadataLike, others: int = 0) -> tuple[tuple[str, str], ...]:
    """Check what a user gave as the metadata of one message, which has so many others too.

    Raises:
        TypeError: A key or value is not a string, or the whole is no mapping and no pairs.
        ValueError: A key is empty or not lower-case ASCII, ends in ``-bin`` (bytes cannot travel with a
            message), or is that of the call's timeout; a value cannot be encoded as UTF-8: it would end the
            stream for every call; or there are more than `MAX_PAIRS`.
    """
    pairs = []
    for key, value in _items(metadata):
        if not isinstance(value, str):
            raise TypeError(f"metadata keys and values must be strings, not {key!r}: {value!r}")
        if key.endswith(BINARY):
            raise ValueError(f"metadata key {key!r}: keys that end in '-bin' hold bytes, which only streams can carry")
        if key == TIMEOUT_KEY:
            raise ValueError(f"metadata key {key!r} is reserved: give the call a timeout")
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise ValueError(f"metadata value of {key!r} cannot be encoded as UTF-8: {error}") from None
        pairs.append((key, value))
    if len(pairs) + others > MAX_PAIRS:
        raise ValueError(f"metadata of {len(pairs) + others} pairs: a message may have {MAX_PAIRS}")
    return tuple(pairs)


def stream_pairs(metadata: StreamMetadataLike) -> tuple[tuple[str, str | bytes], ...]:
    """Check what a user gave as the metadata of a stream, which travels as gRPC headers.

    Raises:
        TypeError: A key is not a string, a value is not bytes although its key ends in ``-bin``, or not a string
            although it does not; or the whole is no mapping and no pairs.
        ValueError: A key is empty, not lower-case ASCII, or reserved, or a string is not printable ASCII.
    """
    pairs: list[tuple[str, str | bytes]] = []
    for key, value in _items(metadata):
        if key.startswith(RESERVED_PREFIXES):
            raise ValueError(f"metadata key {key!r} is reserved")
        if key.endswith(BINARY):
            if not isinstance(value, bytes | bytearray | memoryview):
                raise TypeError(f"metadata value of {key!r} must be bytes, as the key ends in '-bin', not {value!r}")
            value = bytes(value)
        elif not isinstance(value, str):
            hint = "; the keys of bytes end in '-bin'" if isinstance(value, bytes) else ""
            raise TypeError(f"metadata value of {key!r} must be a string, not {value!r}{hint}")
        elif not _ASCII_VALUE.fullmatch(value):
            raise ValueError(f"metadata value of {key!r} must be printable ASCII to travel with a stream: {value!r}")
        pairs.append((key, value))
    return tuple(pairs)


def _items(metadata: StreamMetadataLike) -> Iterator[tuple[str, object]]:
    """Keys, checked, and values as they were given."""
    if not metadata:
        return
    items: Iterable[Any] = metadata.items() if isinstance(metadata, Mapping) else metadata
    for item in items:
        try:
            key, value = item
        except (TypeError, ValueError):
            raise TypeError(f"metadata must be a mapping or pairs of strings, not {item!r}") from None
        if not isinstance(key, str):
            raise TypeError(f"metadata keys and values must be strings, not {key!r}: {value!r}")
        if not _KEY.fullmatch(key):
            raise ValueError(f"metadata key {key!r} must be lower-case letters, digits, '-', '_' or '.'")
        yield key, value


@lru_cache(64)
def encode_repeated(pairs: tuple[tuple[str, str], ...]) -> bytes:
    """The same of what is likely to be sent again, and not checked yet.

    Raises:
        TypeError, ValueError: As `pairs_of`.
    """
    return encode_entries(pairs_of(pairs))


def encode_entries(pairs: Iterable[tuple[str, str]]) -> bytes:
    """The metadata of one message, as `pairs_of` gives them, encoded as fields of that message."""
    return b"".join([entry_field(key, value) for key, value in pairs])
