"""Processes that are forked from one that uses gRPC.

gRPC's threads are gone in the child, and with them all that would happen there: what it opens waits for ever. So
opening anything is refused there, with a text that says what to do. A fork before the first use does no harm.
"""

from __future__ import annotations

import os

__all__ = ["use_grpc"]


class _Process:
    uses_grpc = False
    lost_grpc = False


def use_grpc() -> None:
    """Say that gRPC is about to be used.

    Raises:
        RuntimeError: This process was forked from one that used it.
    """
    if _Process.lost_grpc:
        raise RuntimeError(
            "this process was forked from one that had connected or served already, and gRPC does not survive that: "
            "fork before the first connect or start, or start the process anew, as multiprocessing does with the "
            "start method 'spawn' or 'forkserver'"
        )
    _Process.uses_grpc = True


def _note_fork() -> None:
    _Process.lost_grpc = _Process.lost_grpc or _Process.uses_grpc


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)
