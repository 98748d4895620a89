"""The interceptors of ``--interceptors``, by name."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pygorums as gorums
from examples.interceptors.server import delayed_interceptor, logging_interceptor, metadata_interceptor, no_foo
from examples.storage.output import show_aside

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
    # Named by what is known only once the server has been started; and not where the replies are shown.
    return await logging_interceptor(ctx.server.address or "storage", show_aside)(ctx, request, call_next)
