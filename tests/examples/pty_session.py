"""A program on a terminal of its own."""

import asyncio
import codecs
import os
import pty
import re
import sys
import termios
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from tests.examples.programs import ENVIRONMENT, ROOT, START_LIMIT
from tests.support.waiting import within

__all__ = ["CTRL_C", "CTRL_D", "ENTER", "TAB", "UP", "PtySession"]

ENTER = "\r"
TAB = "\t"
UP = "\x1b[A"
CTRL_C = "\x03"
CTRL_D = "\x04"

# Makes the terminal on descriptor 0 the one that Ctrl-C comes from, and becomes the program.
_LAUNCHER = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""

# How prompt_toolkit skips a space: forward, or one back and then forward.
_FORWARD = re.compile(r"(\x08?)\x1b\[(\d*)C")
_ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|[()][A-Z0-9]|[=>])")


def _plain(printed: str) -> str:
    spaced = _FORWARD.sub(lambda match: " " * (int(match[2] or 1) - len(match[1])), printed)
    return _ESCAPES.sub("", spaced)


class PtySession:
    """Runs Python with `arguments` on a terminal, reads what it prints and types."""

    def __init__(self, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self._arguments: Sequence[str] = arguments
        # Nobody here answers questions about where the cursor is.
        self._environment = ENVIRONMENT | {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"} | (environment or {})
        self._unread = ""
        self._changed = asyncio.Event()
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._master = -1

    async def __aenter__(self) -> Self:
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, 120))
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", _LAUNCHER, *self._arguments),
                cwd=ROOT,
                env=self._environment,
                stdin=slave,
                stdout=slave,
                stderr=slave,
            )
        finally:
            os.close(slave)
        asyncio.get_running_loop().add_reader(self._master, self._read)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await within(self._process.wait())
        self._stop_reading()
        os.close(self._master)

    def type(self, keys: str) -> None:
        """Presses keys."""
        os.write(self._master, keys.encode())

    async def expect(self, text: str) -> str:
        """Waits for `text`, and returns what came before it since the last time; escape sequences are left out."""

        async def found() -> str:
            while True:
                plain = _plain(self._unread)
                before, separator, after = plain.partition(text)
                if separator:
                    self._unread = after
                    return before
                self._changed.clear()
                await self._changed.wait()

        try:
            return await within(found(), START_LIMIT)
        except TimeoutError:
            raise AssertionError(f"{text!r} did not come; what came is {self._unread!r}") from None

    async def end(self) -> tuple[int, str]:
        """Waits for the program's end: its exit status, and what it has printed since the last time."""
        status = await within(self._process.wait())
        self._read_rest()
        return status, _plain(self._unread)

    def _read(self) -> None:
        try:
            chunk = os.read(self._master, 1 << 16)
        except OSError:  # the program has ended
            chunk = b""
        if not chunk:
            self._stop_reading()
        self._unread += self._decoder.decode(chunk)
        self._changed.set()

    def _read_rest(self) -> None:
        os.set_blocking(self._master, False)
        while True:
            try:
                chunk = os.read(self._master, 1 << 16)
            except OSError:
                return
            if not chunk:
                return
            self._unread += self._decoder.decode(chunk)

    def _stop_reading(self) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
