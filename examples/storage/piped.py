"""Lines of standard input when it is a pipe or a file."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from contextlib import suppress

__all__ = ["piped_lines"]

CHUNK = 1 << 16


async def piped_lines(descriptor: int) -> AsyncIterator[str]:
    """The lines that come in at a file descriptor, without their ends; the last one may lack its own.

    Bytes that are not UTF-8 become surrogates. A descriptor that cannot be read is at its end.
    """
    rest = b""
    while chunk := await _read_chunk(descriptor):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield _decoded(line)
    if rest:
        yield _decoded(rest)


def _decoded(line: bytes) -> str:
    return line.removesuffix(b"\r").decode(errors="surrogateescape")


async def _read_chunk(descriptor: int) -> bytes:
    """The next bytes; empty at the end.

    Read in a thread, for event loops cannot wait for regular files, and in a daemon thread without Python's lock
    of stdin: interrupted while it waits for input, the program must be able to end.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[bytes] = loop.create_future()

    def set_result(chunk: bytes) -> None:
        if not result.done():
            result.set_result(chunk)

    def read() -> None:
        try:
            chunk = os.read(descriptor, CHUNK)
        except OSError:
            chunk = b""
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(set_result, chunk)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    return await result
