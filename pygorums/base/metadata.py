"""Metadata: pairs of strings that travel with a stream or with a single message."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from pygorums.wire.framing import entry_field

__all__ = ["Metadata", "MetadataLike", "encode_entries", "pairs_of", "stream_pairs"]

MetadataLike = Mapping[str, str] | Iterable[tuple[str, str]] | None
"""What users give as metadata: a mapping, or pairs where a key may come more than once."""

RESERVED_PREFIXES = ("grpc-", "pygorums-")
"""Keys that gRPC and pygorums use themselves on a stream."""

_KEY = re.compile(r"[0-9a-z_.-]+")
_ASCII_VALUE = re.compile(r"[\x20-\x7e]*")


class Metadata(Mapping[str, str]):
    """Metadata as a handler sees it: an immutable mapping whose keys may have several values.

    ``metadata[key]`` is the first value; `get_all` has all of them. Values of the stream come before
    values of the single message. Keys are lower case.
    """

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._pairs = tuple(pairs)

    def get_all(self, key: str) -> tuple[str, ...]:
        """All values of `key` in the order they were added; empty if there are none."""
        return tuple(value for name, value in self._pairs if name == key)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every key with every value, in order."""
        return self._pairs

    def __getitem__(self, key: str) -> str:
        for name, value in self._pairs:
            if name == key:
                return value
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self._pairs))

    def __len__(self) -> int:
        return len(dict(self._pairs))

    def __repr__(self) -> str:
        return f"Metadata({list(self._pairs)!r})"


def pairs_of(metadata: MetadataLike) -> tuple[tuple[str, str], ...]:
    """Check what a user gave as the metadata of one message.

    Raises:
        TypeError: A key or value is not a string, or the whole is no mapping and no pairs.
        ValueError: A key is empty or not lower-case ASCII, ends in ``-bin`` (bytes cannot travel with a
            message), or a value cannot be encoded as UTF-8: it would end the stream for every call.
    """
    if not metadata:
        return ()
    items = metadata.items() if isinstance(metadata, Mapping) else metadata
    pairs = []
    for item in items:
        try:
            key, value = item
        except (TypeError, ValueError):
            raise TypeError(f"metadata must be a mapping or pairs of strings, not {item!r}") from None
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError(f"metadata keys and values must be strings, not {key!r}: {value!r}")
        if not _KEY.fullmatch(key):
            raise ValueError(f"metadata key {key!r} must be lower-case letters, digits, '-', '_' or '.'")
        if key.endswith("-bin"):
            raise ValueError(
                f"metadata key {key!r}: keys ending in '-bin' hold bytes, which cannot be sent as metadata here"
            )
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"metadata value of {key!r} cannot be encoded as UTF-8: {error}") from None
        pairs.append((key, value))
    return tuple(pairs)


def stream_pairs(metadata: MetadataLike) -> tuple[tuple[str, str], ...]:
    """Check what a user gave as the metadata of a stream, which travels as gRPC headers: `pairs_of`, and ASCII.

    Raises:
        TypeError: As `pairs_of`.
        ValueError: As `pairs_of`, or a value is not printable ASCII, or a key is reserved.
    """
    pairs = pairs_of(metadata)
    for key, value in pairs:
        if key.startswith(RESERVED_PREFIXES):
            raise ValueError(f"metadata key {key!r} is reserved")
        if not _ASCII_VALUE.fullmatch(value):
            raise ValueError(f"metadata value of {key!r} must be printable ASCII to travel with a stream: {value!r}")
    return pairs


def encode_entries(metadata: MetadataLike) -> bytes:
    """The metadata of one message, checked and encoded as fields of that message."""
    return b"".join([entry_field(key, value) for key, value in pairs_of(metadata)])
