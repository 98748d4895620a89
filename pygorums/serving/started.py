"""Telling the services of a system that it has started."""

from __future__ import annotations

import asyncio
import inspect

from pygorums.serving.daemon_threads import DaemonThreads
from pygorums.serving.service import Service, methods_of
from pygorums.serving.surroundings import Surroundings

__all__ = ["tell_started"]


async def tell_started(service: Service, system: object, surroundings: Surroundings) -> None:
    """Call a service's method ``started``, if it has one that is no handler.

    Raises:
        Exception: What that raises.
    """
    hook = getattr(service, "started", None)
    if hook is None or "started" in methods_of(service):
        return
    if inspect.iscoroutinefunction(hook):
        await surroundings.run(hook, system)
        return
    thread = DaemonThreads(1, "pygorums-started")
    try:
        await asyncio.get_running_loop().run_in_executor(thread, surroundings.context().run, hook, system)
    finally:
        thread.shutdown()
