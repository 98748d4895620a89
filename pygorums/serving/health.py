"""The health of a server, as it is told to those who probe it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import suppress

from pygorums.tasks.joined import resolve

__all__ = ["Health"]


class Health(MutableMapping[str, bool]):
    """Whether services can be used: a mapping by their full names; ``""`` is the server as a whole.

    A service is healthy when the program has not said otherwise and the server as a whole is. That is so while it
    serves: not before its start, not once it drains or stops, and not while its ``ready=`` condition does not hold.
    Who sets a name, be it of no service, adds to that, and who deletes one forgets what was set. Any thread may.

    Args:
        services: Gives the names of the services that are registered.
        serving: Says whether the server serves.
    """

    def __init__(self, services: Callable[[], Iterable[str]], serving: Callable[[], bool]) -> None:
        self._services = services
        self._serving = serving
        self._said: dict[str, bool] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changes: set[asyncio.Future[None]] = set()

    def __getitem__(self, name: str) -> bool:
        if name not in self._names():
            raise KeyError(name)
        return self._said.get(name, True) and self._said.get("", True) and self._serving()

    def __setitem__(self, name: str, healthy: bool) -> None:
        self._said[name] = bool(healthy)
        self.changed()

    def __delitem__(self, name: str) -> None:
        del self._said[name]
        self.changed()

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def __repr__(self) -> str:
        return f"Health({dict(self)!r})"

    def _names(self) -> dict[str, None]:
        return dict.fromkeys(("", *self._services(), *list(self._said)))

    def changed(self) -> None:
        """Have those who watch look again. May be called in any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the event loop has ended
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for change in list(self._changes):
            resolve(change)

    def change(self) -> asyncio.Future[None]:
        """Done when something may have changed; to be cancelled by who does not wait any more (for those who watch)."""
        self._loop = asyncio.get_running_loop()
        change: asyncio.Future[None] = self._loop.create_future()
        self._changes.add(change)
        change.add_done_callback(self._changes.discard)
        return change
