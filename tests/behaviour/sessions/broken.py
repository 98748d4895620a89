"""A server behind a network that breaks, and a configuration with a session across it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

import pygorums as gorums
from pygorums.transports.choosing import TransportName
from tests.support.calls import ScriptedCalls
from tests.support.cluster import connected
from tests.support.proxy import TcpProxy
from tests.support.waiting import within

ENDS = pytest.mark.parametrize(
    "ends", [("asyncio", "asyncio"), ("grpc", "grpc"), ("asyncio", "grpc"), ("grpc", "asyncio")], ids="-".join
)
"""What carries streams at the client, and at the server."""

SAME_ENDS = pytest.mark.parametrize("ends", [("asyncio", "asyncio"), ("grpc", "grpc")], ids="-".join)
"""The same, where it matters less."""

Ends = tuple[TransportName, TransportName]


@dataclass
class Line:
    """One node, its server, and what lies between."""

    service: ScriptedCalls
    server: gorums.Server
    proxy: TcpProxy
    config: gorums.Configuration

    @property
    def node(self) -> gorums.Node:
        return self.config[0]


@asynccontextmanager
async def line(
    *,
    keep: float = 10.0,
    session: bool = True,
    ends: Ends | None = None,
    service: ScriptedCalls | Any = None,
    server: dict[str, Any] | None = None,
    answers: gorums.Server | None = None,
    **options: Any,
) -> AsyncIterator[Line]:
    """A line to a server.

    Args:
        keep: Seconds for which calls wait for a node that cannot be reached.
        session: Whether there is a session.
        ends: What carries the streams, at the client and at the server; None for what is the default.
        service: What is served.
        server: Options of the server.
        answers: Answers calls that are made back to the client.
        options: Of the client.
    """
    service = service or ScriptedCalls()
    given = dict(server or {})
    if ends is not None:
        options["transport"], given["transport"] = ends
    one = gorums.Server(service, **given)
    address = await within(one.start("127.0.0.1:0"))
    try:
        kept = gorums.Session(keep=keep) if session else None
        async with (
            TcpProxy(address) as proxy,
            connected([proxy.address], session=kept, server=answers, **options) as config,
        ):
            try:
                yield Line(service, one, proxy, config)
            finally:
                service.open_all()
    finally:
        await within(one.stop())


async def failure(call: "asyncio.Future[Any]") -> Exception:
    """What a call fails with."""
    with pytest.raises(gorums.GorumsError) as caught:
        await within(call)
    return caught.value
