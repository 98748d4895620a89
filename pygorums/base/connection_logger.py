"""The logger of connections, which come and go: it says nothing in a program that has not set up logging."""

from __future__ import annotations

import logging

__all__ = ["CONNECTIONS"]

CONNECTIONS = logging.getLogger("pygorums.connections")
# Otherwise Python would write each warning to standard error, of a program that knows well that a node is down.
CONNECTIONS.addHandler(logging.NullHandler())
