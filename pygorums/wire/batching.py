"""Batching: many messages in one gRPC message.

gRPC costs the same for a message of 6 kB as for an empty one, so whatever has queued up while the previous
write was under way goes out as one envelope. An envelope is nothing but its entries one after the other,
each a repeated field of the envelope, so making one is a join of bytes that are there already.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from pygorums.wire.framing import varint

__all__ = ["MAX_ENVELOPE", "envelope", "envelope_end"]

MAX_ENVELOPE = 1 << 20
"""An envelope stays under this many bytes, or fewer; a single message may be larger and then goes alone."""

_BATCH = b"\x7a"  # field 15, length-delimited
_PREFIXES = [_BATCH + varint(n) for n in range(4096)]


_MAX_PREFIX = 6  # bytes, for frames of up to 4 GiB


def _prefix(length: int) -> bytes:
    return _PREFIXES[length] if length < len(_PREFIXES) else _BATCH + varint(length)


def envelope_end(frames: Sequence[bytes], start: int, limit: int = MAX_ENVELOPE) -> int:
    """The index behind the last of the frames from `start` that fit into one envelope (at least one does)."""
    if not start and sum(map(len, frames)) + _MAX_PREFIX * len(frames) < limit:
        return len(frames)
    size = 0
    for index in range(start, len(frames)):
        length = len(frames[index])
        size += length + len(_prefix(length))
        if size >= limit and index > start:
            return index
    return len(frames)


_MOST_KEPT = 64 << 10
_last: tuple[Sequence[bytes], bytes] = ((), b"")  # frames and their envelope


def envelope(frames: Sequence[bytes]) -> bytes:
    """The envelope that holds `frames`, which must not change any more.

    Most calls go to several nodes, and so the same frames, the same objects even, to one after the other. To see that
    costs a tenth of making the envelope again.
    """
    global _last
    known, made = _last  # read and written as one, for other threads do so too
    if frames == known:
        return made
    if max(map(len, frames)) < len(_PREFIXES):
        # The common case without a step of Python for each frame.
        prefixes = map(_PREFIXES.__getitem__, map(len, frames))
        made = b"".join(chain.from_iterable(zip(prefixes, frames, strict=True)))
    else:
        made = b"".join([part for frame in frames for part in (_prefix(len(frame)), frame)])
    if len(made) <= _MOST_KEPT:
        _last = (frames, made)
    return made
