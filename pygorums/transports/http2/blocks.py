"""Field sections on their way in: one HEADERS frame, and CONTINUATION frames until one says that it is the last."""

from __future__ import annotations

from pygorums.transports.http2.codes import END_STREAM, LARGEST_STREAM_ID, PADDED, WITH_PRIORITY, ErrorCode
from pygorums.transports.http2.faults import GoAwayError

__all__ = ["Block", "unpadded"]

_MAX_CONTINUATIONS = 64


def unpadded(flags: int, payload: bytes) -> tuple[int, int]:
    """Where the content of a frame begins and ends that may be padded.

    Raises:
        GoAwayError: It is not as long as it says.
    """
    if not flags & PADDED:
        return 0, len(payload)
    if not payload:
        raise GoAwayError(ErrorCode.FRAME_SIZE_ERROR, "no length of padding")
    stop = len(payload) - payload[0]
    if stop < 1:
        raise GoAwayError(ErrorCode.PROTOCOL_ERROR, "more padding than payload")
    return 1, stop


class Block:
    """A field section whose frames have not all come.

    Raises:
        GoAwayError: The HEADERS frame that begins it is too short.
    """

    __slots__ = ("_fragments", "_frames", "_size", "end_stream", "self_dependent", "stream_id")

    def __init__(self, flags: int, stream_id: int, payload: bytes) -> None:
        self.stream_id = stream_id
        self.end_stream = bool(flags & END_STREAM)
        self.self_dependent = False
        """Whether the stream is to have priority after itself. Other priorities are not looked at."""
        start, stop = unpadded(flags, payload)
        if flags & WITH_PRIORITY:
            if stop - start < 5:
                raise GoAwayError(ErrorCode.FRAME_SIZE_ERROR, "HEADERS without the priority that they announce")
            parent = int.from_bytes(payload[start : start + 4], "big") & LARGEST_STREAM_ID
            self.self_dependent = parent == stream_id
            start += 5
        self._fragments = [payload[start:stop]]
        self._size = stop - start
        self._frames = 0

    def add(self, fragment: bytes) -> None:
        """Add the payload of a CONTINUATION frame."""
        self._fragments.append(fragment)
        self._size += len(fragment)
        self._frames += 1

    def check(self, max_header_list: int) -> None:
        """Look whether the block goes on for too long. Coded, it is hardly ever larger than its fields.

        Raises:
            GoAwayError: It does.
        """
        if self._size > 2 * max_header_list or self._frames > _MAX_CONTINUATIONS:
            raise GoAwayError(ErrorCode.ENHANCE_YOUR_CALM, "a block of fields that does not end")

    def whole(self) -> bytes:
        """The block, once it is complete."""
        return b"".join(self._fragments)
