"""Connections, of which either end believes something of its own."""

from __future__ import annotations

from collections import deque
from typing import Any

__all__ = ["Conn"]


class Conn:
    """A connection: two pipes, and what either end believes of it."""

    def __init__(self, process: Any) -> None:
        self.process = process
        self.up: deque[Any] = deque()
        self.down: deque[Any] = deque()
        self.opener_open = self.acceptor_open = True
        self.begun = False  # the hello is written
        self.hello: Any = None  # the acceptor has read it
        self.end: Any = None  # that the acceptor attached it to
        self.closing = False  # the acceptor has sent its last
