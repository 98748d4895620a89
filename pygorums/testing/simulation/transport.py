"""The two ends of a simulated stream, as the engine sees them, and what accepts streams."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

from pygorums.base.errors import StatusError, StreamDownError
from pygorums.testing.simulation.hosts import Process
from pygorums.testing.simulation.links import ACCEPTED, Direction, Link
from pygorums.transports.listener import Accept
from pygorums.transports.telling import Telling
from pygorums.wire.handshake import Pairs

__all__ = ["AcceptedEnd", "Addresses", "OpenedEnd", "SimulatedListener"]

ANSWER_TIMEOUT = 5.0
"""Seconds for which an attempt to open a stream waits for an answer, as over sockets."""

SAYS_NOTHING = 0.1
"""Seconds to wait for the metadata of an acceptor that is there."""


class _End(Telling):
    """What both ends have in common.

    What its user has not taken counts as on its way, so that it brakes the other side.
    """

    at_once = 0

    def __init__(self, process: Process) -> None:
        super().__init__()
        self.process = process
        self.loop = process.network.loop
        self.heard_at = 0.0
        self.over = False
        self._kept = 0  # bytes that the user has not taken
        self._from: Direction | None = None
        self._to: Direction | None = None

    def write(self, messages: Sequence[bytes], /) -> bool:
        """Put messages on their way; whether there may be more."""
        if self.over or self._to is None:
            return False
        return self._to.send(list(messages))

    def writable(self) -> None:
        """What was on its way has arrived for the most part."""
        if self._user is not None and not self.over:
            self._user.writable()

    def _came(self, messages: list[bytes]) -> None:
        size = sum(map(len, messages))
        if self.tell(messages):
            assert self._from is not None
            self._from.taken(size)
        else:
            self._kept += size

    def told(self) -> None:
        """What was kept has been taken."""
        size, self._kept = self._kept, 0
        if self._from is not None:
            self._from.taken(size)

    def _broke(self, error: StatusError) -> None:
        if not self.over:
            self.over = True
            self.tell_end(error)
            self.resume()


class OpenedEnd(_End):
    """The end that opened the stream."""

    silent = False

    def __init__(self, process: Process, address: str) -> None:
        super().__init__(process)
        self._address = address
        self._link: Link | None = None
        self._failure: StatusError | None = None
        self._answered: asyncio.Future[None] = self.loop.create_future()

    def set_out(self, link: Link | None) -> None:
        """Say which way it goes, before anything else; None if nobody is there."""
        if link is not None:
            self._link, self._to, self._from = link, link.there, link.back
            link.there.writable = self.writable

    def arrived(self, what: Any) -> None:
        """Something has come from the acceptor, or the network says that nothing will."""
        if self.over:
            return
        self.heard_at = self.loop.time()
        if type(what) is list:
            self._came(what)
        elif isinstance(what, StatusError):
            self._broke(what)
            if self._link is not None:
                self._link.end()
        elif what == ACCEPTED:
            # Whoever has sent no metadata by then will send none before its first message.
            self.loop.call_later(SAYS_NOTHING, _resolve, self._answered)
            return
        else:
            self.tell_answered(what)
        _resolve(self._answered)

    def _broke(self, error: StatusError) -> None:
        self._failure = self._failure or error
        super()._broke(error)
        _resolve(self._answered)

    async def opened(self) -> None:
        """Done when the acceptor has answered anything."""
        timer = self.loop.call_later(ANSWER_TIMEOUT, self._broke, StreamDownError(f"{self._address} has not answered"))
        try:
            await asyncio.shield(self._answered)
        finally:
            timer.cancel()
        if self._failure is not None and not self._held:
            raise self._failure

    def finish(self) -> None:
        """Tell the acceptor that no more messages come."""
        if self._to is not None and not self.over:
            self._to.send(None)

    def abort(self, error: StatusError, /) -> None:
        """End the stream with `error`."""
        if not self.over:
            self.over = True
            self._failure = error
            self._withdraw()
            self.loop.call_soon(self.tell_end_now, error)

    def close(self) -> Awaitable[None]:
        """End the stream, if it has not ended."""
        if not self.over:
            self.over = True
            self._withdraw()
        self.forget()
        closed: asyncio.Future[None] = self.loop.create_future()
        closed.set_result(None)
        return closed

    def _withdraw(self) -> None:
        if self._link is not None and not self._link.over:
            self._link.there.send(StreamDownError("the stream was closed by the other side"))


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class AcceptedEnd(_End):
    """The end that accepted the stream."""

    def __init__(self, process: Process, link: Link, peer: str) -> None:
        super().__init__(process)
        self.peer = peer
        self.task: asyncio.Task[None] | None = None  # that serves it
        self._link, self._to, self._from = link, link.back, link.there
        link.back.writable = self.writable
        link.there.receive = self.arrived

    def arrived(self, what: Any) -> None:
        """Something has come from the opener."""
        if self.over:
            return
        self.heard_at = self.loop.time()
        if type(what) is list:
            self._came(what)
        elif what is None:
            self.tell_end(None)
        else:
            self.over = True
            self._link.end()
            if self._user is not None:
                self.tell_end_now(what)
            elif self.task is not None:  # nobody uses it yet, or any more
                self.task.cancel()

    def confirm(self, metadata: Pairs, /) -> None:
        """Send our metadata."""
        if not self.over:
            self._link.back.send(metadata)

    def end(self, error: StatusError | None) -> None:
        """The server has done with the stream."""
        self.forget()
        if not self.over:
            self.over = True
            self._link.back.send(error or StreamDownError("the other side ended the stream"))


class Addresses(Protocol):
    """The network, as listeners see it."""

    def bind(self, listener: Any, address: str, /) -> str:
        """Take an address."""

    def unbind(self, listener: Any, /) -> None:
        """Let go of it."""


class SimulatedListener:
    """Accepts streams in one process."""

    def __init__(self, process: Process, network: Addresses) -> None:
        self.process = process
        self._network = network
        self._accept: Accept | None = None
        self._tasks: dict[asyncio.Task[None], None] = {}

    def serve_with(self, accept: Accept, at_end_of_loop: Any, /) -> None:  # noqa: ARG002 - a simulation just ends
        """Say what to do."""
        self._accept = accept

    def bind(self, address: str, credentials: Any, /) -> str:
        """Take an address.

        Raises:
            OSError: Another process has it.
        """
        if credentials is not None:
            raise OSError(95, f"cannot listen on {address}: a simulation has no TLS")
        return self._network.bind(self, address)

    async def start(self) -> None:
        """It listens since `bind`."""

    def arrived(self, link: Link, metadata: Pairs, peer: tuple[str, int]) -> None:
        """Serve a stream that has come."""
        end = AcceptedEnd(self.process, link, f"{peer[0]}:{peer[1]}")
        end.task = task = self.process.task(self._serve(end, metadata))
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)

    async def _serve(self, end: AcceptedEnd, metadata: Pairs) -> None:
        assert self._accept is not None
        try:
            await self._accept(end, metadata, end.peer, {})
        except StatusError as error:
            end.end(error)
        except asyncio.CancelledError:
            end.end(None)
            raise
        else:
            end.end(None)

    async def stop(self, grace: Any, /) -> None:
        """Refuse new streams; end those that are open when the grace is over."""
        self._network.unbind(self)
        tasks = list(self._tasks)
        if tasks and not grace.over:
            await grace.wait(asyncio.gather(*tasks, return_exceptions=True))
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def abandon(self) -> None:
        """Let go of the address."""
        self._network.unbind(self)
