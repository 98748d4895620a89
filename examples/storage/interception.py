"""The interceptors of ``--interceptors``, by name."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pygorums as gorums
from examples.interceptors.server import delayed_interceptor, logging_interceptor, metadata_interceptor, no_foo

__all__ = ["interceptors_named"]

DELAY = 0.2
"""Seconds: to be noticed at the prompt, whose calls may take one."""


def interceptors_named(names: Sequence[str]) -> list[gorums.ServerInterceptor]:
    """The interceptors with these names, which `parse_arguments` has checked."""
    known: dict[str, gorums.ServerInterceptor] = {
        "logging": _logging,
        "nofoo": no_foo,
        "metadata": metadata_interceptor,
        "delayed": delayed_interceptor(DELAY),
    }
    return [known[name] for name in names]


async def _logging(
    ctx: gorums.ServerContext, request: Any, call_next: Callable[[gorums.ServerContext, Any], Awaitable[Any]]
) -> Any:
    # Named by what is known only once the server has been started.
    return await logging_interceptor(ctx.server.address or "storage", _log)(ctx, request, call_next)


def _log(line: str) -> None:
    # Not where the replies are shown.
    print(line, file=sys.stderr, flush=True)
