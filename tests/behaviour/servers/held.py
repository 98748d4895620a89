"""A server whose handlers wait until they are let go or cancelled."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pygorums as gorums
from tests.protos.calls_gorums import CallsServer, echo
from tests.protos.calls_pb2 import Text
from tests.support.cluster import connected, serving
from tests.support.waiting import within

__all__ = ["Held", "held"]


class Held(CallsServer):
    """Handlers wait until they are let go or cancelled; a text of ``free …`` releases first.

    Attributes:
        begun: the texts of the requests whose handlers have begun, in order.
        cancelled: those of the handlers that were cancelled.
        ended: those of the others.
        contexts: by the text.
        gate: what handlers wait for.
    """

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.cancelled: list[str] = []
        self.ended: list[str] = []
        self.contexts: dict[str, gorums.ServerContext] = {}
        self.gate = asyncio.Event()

    async def _hold(self, ctx: gorums.ServerContext, request: Text) -> Text:
        self.begun.append(request.text)
        self.contexts[request.text] = ctx
        if request.text.startswith("free"):
            ctx.release()
        try:
            if "quick" not in request.text:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append(request.text)
            raise
        self.ended.append(request.text)
        return request

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return await self._hold(ctx, request)

    async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return await self._hold(ctx, request)

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self._hold(ctx, request)

    async def spread(self, ctx: gorums.ServerContext, request: Text) -> None: ...

    async def follow(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:
        yield Text(text="first")
        yield await self._hold(ctx, request)


@asynccontextmanager
async def held(**options: Any) -> AsyncIterator[tuple[Held, gorums.Configuration]]:
    """A server, and a connected configuration of it."""
    service = Held()
    async with serving(service, **options) as address, connected([address]) as config:
        await within(echo(config[0], Text(text="quick")))  # what is negotiated is known now
        service.begun.clear()
        service.ended.clear()
        try:
            yield service, config
        finally:
            service.gate.set()
