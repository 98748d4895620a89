"""What is wrong with what a peer sent: with the whole connection, with one stream, or with a list of fields."""

from __future__ import annotations

from pygorums.transports.http2.codes import ErrorCode

__all__ = ["CannotOpenError", "GoAwayError", "MalformedError", "ResetError"]


class GoAwayError(Exception):
    """The connection cannot go on (section 5.4.1): GOAWAY with this code. It never leaves the connection's class."""

    def __init__(self, code: ErrorCode, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class ResetError(Exception):
    """One stream cannot go on (section 5.4.2): RST_STREAM with this code. It never leaves the connection's class."""

    def __init__(self, stream_id: int, code: ErrorCode, text: str) -> None:
        super().__init__(text)
        self.stream_id = stream_id
        self.code = code
        self.text = text


class MalformedError(Exception):
    """A field section breaks the rules of HTTP (section 8.1.1)."""


class CannotOpenError(Exception):
    """A connection has no room for a new stream, or not for its metadata; the text says why."""
