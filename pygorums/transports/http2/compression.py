"""Field sections, to and from HPACK (RFC 7541), within bounds."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from hpack import Decoder, Encoder, HPACKError, NeverIndexedHeaderTuple, OversizedHeaderListError

from pygorums.transports.http2.codes import ErrorCode
from pygorums.transports.http2.faults import GoAwayError
from pygorums.transports.http2.fields import Field

__all__ = ["FieldReader", "FieldWriter", "list_size"]

TABLE_SIZE = 4096
"""The size of both tables: what HTTP/2 begins with, and the most that we use if a peer allows more."""

_library_log = logging.getLogger("hpack")
if _library_log.level == logging.NOTSET:
    # For debugging it writes down every field, those that nobody is to know among them. Who wants that says so there.
    _library_log.setLevel(logging.INFO)

_SECRET = frozenset((b"authorization", b"proxy-authorization", b"cookie"))


def list_size(fields: Iterable[Field]) -> int:
    """The size of a field section as HTTP/2 counts it (section 10.5.1)."""
    return sum(len(name) + len(value) + 32 for name, value in fields)


class FieldReader:
    """Decodes what a peer sends. Each block has to be decoded, also of streams that are refused: they share a table."""

    __slots__ = ("_decoder", "_limit")

    def __init__(self, max_list_size: int) -> None:
        self._limit = max_list_size
        # One that is a little too large costs its stream only; the table is lost where decoding stops midway.
        self._decoder = Decoder(max_header_list_size=2 * max_list_size)

    def read(self, block: bytes) -> list[Field] | None:
        """The fields of a block; None if they are larger than the limit.

        Raises:
            GoAwayError: The block is wrong, or more than twice as large as the limit.
        """
        try:
            fields: list[Field] = [(name, value) for name, value in self._decoder.decode(block, raw=True)]
        except OversizedHeaderListError:
            raise GoAwayError(ErrorCode.ENHANCE_YOUR_CALM, "a field section far beyond the limit") from None
        except (HPACKError, IndexError, ValueError) as error:
            raise GoAwayError(ErrorCode.COMPRESSION_ERROR, f"a block of fields cannot be read: {error}") from None
        return fields if list_size(fields) <= self._limit else None


class FieldWriter:
    """Encodes what we send."""

    __slots__ = ("_encoder", "_lowest", "_size")

    def __init__(self) -> None:
        self._encoder = Encoder()
        self._lowest = self._size = TABLE_SIZE

    def resize(self, allowed: int) -> None:
        """The peer allows a table of `allowed` bytes. It is told with the next block which size is used."""
        self._size = min(allowed, TABLE_SIZE)
        self._lowest = min(self._lowest, self._size)

    def write(self, fields: Sequence[Field]) -> bytes:
        """A block of these fields."""
        encoder = self._encoder
        # If the size has changed several times, the smallest has to be told, and then the last (RFC 7541, section 4.2).
        for size in (self._lowest, self._size):
            if size != encoder.header_table_size:
                encoder.header_table_size = size
        self._lowest = self._size
        return encoder.encode([NeverIndexedHeaderTuple(*field) if field[0] in _SECRET else field for field in fields])
