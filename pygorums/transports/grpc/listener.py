"""The gRPC server below a server: how it is made, listens, and ends."""

from __future__ import annotations

import asyncio
import errno
import gc
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import grpc
import grpc.aio

from pygorums.base.errors import ConfigurationError, StatusError
from pygorums.tasks.grace import LONGEST, Grace
from pygorums.tasks.joined import Joined
from pygorums.transports.address import unix_path
from pygorums.transports.carrier import inline
from pygorums.transports.grpc.closed_loops import grpc_quiet_when_closed
from pygorums.transports.grpc.forked import use_grpc
from pygorums.transports.grpc.keepalive import TCP_TIMEOUT_MS, with_keepalive
from pygorums.transports.grpc.tls_check import check_tls
from pygorums.transports.grpc.transport import (
    FIXED_WINDOW,
    METHOD,
    SERVICE,
    AcceptedGrpcTransport,
    grpc_target,
    pairs_from,
)
from pygorums.transports.listener import Accept
from pygorums.transports.ports import free_port, free_unix
from pygorums.wire.handshake import CONFIRMS, PROBE

__all__ = ["GrpcListener", "let_go", "proved"]

_DEFAULT_OPTIONS: Mapping[str, Any] = {
    # Otherwise a second server on the same port would get half of the first one's connections.
    "grpc.so_reuseport": 0,
    # Our clients watch their connections; gRPC would cut them off for that.
    "grpc.http2.max_ping_strikes": 0,
    # A client that is frozen or cut off is noticed by gRPC's own pings, to which no client objects.
    "grpc.keepalive_time_ms": 20_000,
    "grpc.keepalive_timeout_ms": TCP_TIMEOUT_MS,
    "grpc.http2.ping_timeout_ms": 20_000,
    "grpc.http2.max_pings_without_data": 0,
    # When many clients come at once, gRPC would turn some away who have waited for no more than a moment.
    "grpc.server.max_pending_requests": 1 << 14,
    "grpc.server.max_pending_requests_hard_limit": 1 << 14,
    **dict(FIXED_WINDOW),
}


_CONNECTIONS_END = 1.0
"""Seconds that clients have to close connections on which nothing is under way."""

_WATCH = "/grpc.health.v1.Health/Watch"


class GrpcListener:
    """Listens with gRPC, and hands each stream on.

    Args:
        given: gRPC's options.

    Raises:
        ConfigurationError: This is a simulation.
    """

    def __init__(self, given: Iterable[tuple[str, Any]]) -> None:
        if inline():
            raise ConfigurationError("there is no gRPC server in a simulation: leave out what needs one there")
        options = {**_DEFAULT_OPTIONS, **with_keepalive(given)}
        self._shared = bool(options["grpc.so_reuseport"])
        self._calls = _Calls()
        self.server = grpc.aio.server(options=list(options.items()), interceptors=[self._calls])
        self._at_end_of_loop: Callable[[], Awaitable[None]] | None = None
        self._bound = False
        self._start = Joined(self._begin, "pygorums server start")
        self._keeper: asyncio.Task[None] | None = None
        self._kept: _Kept | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._held: list[object] = []

    def serve_with(self, accept: Accept, at_end_of_loop: Callable[[], Awaitable[None]]) -> None:
        """Say what to do, before it starts.

        Args:
            accept: Serves one stream.
            at_end_of_loop: Stops all there is, if the event loop ends before anybody has done it.
        """

        async def serve(_: Any, context: Any) -> None:
            transport = AcceptedGrpcTransport(context)
            refusal: StatusError | None = None
            try:
                await accept(
                    transport,
                    pairs_from(context.invocation_metadata()),
                    transport.peer,
                    proved(context.auth_context()),
                )
            except StatusError as error:
                refusal = error
            finally:
                transport.let_go()
                await transport.confirmed()
            if refusal is not None:
                await context.abort(refusal.code(), refusal.message)

        # Without serializers bytes go in and out as they are.
        handler: Any = grpc.stream_stream_rpc_method_handler(serve)
        self.server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler})])
        self._at_end_of_loop = at_end_of_loop

    def bind(self, address: str, credentials: grpc.ServerCredentials | None) -> str:
        """Take an address; the same with the actual port.

        Raises:
            OSError: It cannot be had.
            ConfigurationError: The credentials cannot be used.
            RuntimeError: This process was forked from one that used gRPC.
        """
        use_grpc()
        grpc_quiet_when_closed()
        check_tls(credentials)
        path = unix_path(address)
        if path is None:
            target = f"{address.rpartition(':')[0]}:{free_port(address, shared=self._shared)}"
        else:
            free_unix(address, path)
            target = grpc_target(address)
        try:
            if credentials is None:
                bound = self.server.add_insecure_port(target)
            else:
                bound = self.server.add_secure_port(target, credentials)
        except RuntimeError:
            raise OSError(errno.EADDRNOTAVAIL, f"cannot listen on {address}: gRPC cannot bind it") from None
        self._bound = True
        return f"{address.rpartition(':')[0]}:{bound}" if path is None else address

    async def start(self) -> None:
        """Serve."""
        await self._start()

    async def _begin(self) -> None:
        self._kept = _Kept(self._hold)
        self._keeper = asyncio.get_running_loop().create_task(self._keep(self._kept), name="pygorums server")
        await self.server.start()

    async def stop(self, grace: Grace) -> None:
        """Refuse new streams, let those that are open end until the grace is over, and end them then."""
        if not self._bound:
            return
        if not self._start.begun:
            await self._start()  # or gRPC would keep the port
        # gRPC crashes if it is stopped while it starts.
        await self._start.over()
        if not grace.over:
            if self._stopping is None:
                self._stopping = asyncio.get_running_loop().create_task(self.server.stop(LONGEST))
            # Whoever watches the health of a service would do so for ever.
            over = asyncio.ensure_future(self._calls.over(self._stopping))
            await grace.wait(over)
            over.cancel()
        try:
            await self.server.stop(None)
        except asyncio.CancelledError:
            # Of gRPC's own task, if the event loop ends. The second time it goes on where that left off.
            await self.server.stop(None)
        if self._stopping is not None:
            await asyncio.wait({self._stopping})
        if self._kept is not None and self._keeper is not None and not self._kept.done():
            self._kept.set_result(None)
            await asyncio.wait({self._keeper})

    async def abandon(self) -> None:
        """Let go of the address, for want of anything to serve."""
        grace = Grace()
        grace.cut(0)
        await self.stop(grace)

    async def _keep(self, kept: _Kept) -> None:
        """Wait for the end; if it is the event loop that ends, which cancels all tasks, end all in good order."""
        try:
            await kept
        except asyncio.CancelledError:
            if self._at_end_of_loop is not None:
                await self._at_end_of_loop()
            raise
        finally:
            let_go(self._held)

    def _hold(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hold on to all that gRPC's coroutines hold, until its server has ended.

        While gRPC waits for a stream to be opened, its core has the address of what it will fill in then, and fills in
        when the server ends. A coroutine that is cancelled lets go of that, and somebody else would find his own
        memory changed.
        """
        for task in asyncio.all_tasks(loop):
            coroutine: Any = task.get_coro()
            while type(coroutine).__module__.startswith("_cython"):
                self._held.extend(gc.get_referents(coroutine))
                coroutine = coroutine.cr_await


def let_go(held: list[Any]) -> None:
    """Hold on to nothing any more, once gRPC's server has ended.

    Among what is held, or held by that, may be coroutines of gRPC that never began, because the task was cancelled
    before. Python would tell of each that nobody has awaited it.
    """
    for each in held:
        for inner in (each, *gc.get_referents(each)):
            if type(inner).__module__.startswith("_cython") and getattr(inner, "cr_await", inner) is None:
                inner.close()
    held.clear()


class _Calls(grpc.aio.ServerInterceptor):
    """The RPCs that are being handled, ours and those of other services: each is a task of gRPC's."""

    def __init__(self) -> None:
        self._watches: dict[asyncio.Task[Any], None] = {}
        self._others: dict[asyncio.Task[Any], None] = {}

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], details: Any) -> Any:
        """Called for each RPC, in its task."""
        task = asyncio.current_task()
        assert task is not None
        tasks = self._watches if details.method == _WATCH else self._others
        tasks[task] = None
        task.add_done_callback(tasks.pop)
        handler = await continuation(details)
        return _confirming(handler) if details.method == PROBE else handler

    async def over(self, stopping: asyncio.Future[None]) -> None:
        """Wait until gRPC's server has stopped, or nothing holds it up but health watches, which never end.

        Nor does it wait for long for connections on which nothing is under way: who had them may be gone.
        """
        while self._others:
            await asyncio.wait(self._others)
        if not self._watches:
            await asyncio.wait({stopping}, timeout=_CONNECTIONS_END)


def _confirming(handler: Any) -> Any:
    """What answers a probe, and says that streams get metadata: whatever serves it, or else that there is nothing."""
    if handler is None:

        async def answer(_: Any, context: Any) -> None:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, "there is no health service here", CONFIRMS)

        return grpc.unary_unary_rpc_method_handler(answer)
    serve = handler.unary_unary
    if not asyncio.iscoroutinefunction(serve):

        def blocking(request: Any, context: Any) -> Any:
            context.set_trailing_metadata(CONFIRMS)
            return serve(request, context)

        return handler._replace(unary_unary=blocking)

    async def waiting(request: Any, context: Any) -> Any:
        context.set_trailing_metadata(CONFIRMS)
        return await serve(request, context)

    return handler._replace(unary_unary=waiting)


def proved(auth_context: Mapping[str, list[bytes]]) -> Mapping[str, list[bytes]]:
    """What TLS says of a peer: nothing, if there is no TLS."""
    insecure = auth_context.get("transport_security_type") == [b"insecure"]
    return {} if insecure else auth_context


class _Kept(asyncio.Future[None]):
    """Pending while the loop goes on. Says so if it is cancelled, before any task learns of its own cancellation."""

    def __init__(self, on_cancel: Callable[[asyncio.AbstractEventLoop], None]) -> None:
        super().__init__()
        self._on_cancel = on_cancel

    def cancel(self, msg: Any | None = None) -> bool:
        self._on_cancel(self.get_loop())
        return super().cancel(msg)
