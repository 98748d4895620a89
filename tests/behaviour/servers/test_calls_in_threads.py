"""Calls made in plain handlers, which run in threads: refused with a text that says what to do."""

import asyncio
from typing import Any

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import CallsServer, ask, echo, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import connected, serving
from tests.support.peers import peer, running
from tests.support.waiting import within

CALLS: dict[str, Any] = {
    "echo": lambda config: echo(config[0], Text()),
    "note": lambda config: note(config[0], Text()),
    "ask": lambda config: ask(config, Text()).async_first(),
    "spread": lambda config: spread(config, Text()),
}


class Calling(CallsServer):
    """Its plain handler calls another node."""

    def __init__(self, config: gorums.Configuration | None = None) -> None:
        self._config = config

    def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        CALLS[request.text](self._config or ctx.config())
        return request

    ask = follow = note = spread = echo  # type: ignore[assignment] # only echo is called


@pytest.mark.parametrize("name", CALLS)
async def test_a_plain_handler_that_calls(name: str) -> None:
    async with (
        serving(ScriptedCalls()) as other,
        connected([other]) as others,
        serving(Calling(others)) as address,
        connected([address]) as config,
    ):
        with pytest.raises(gorums.StatusError, match=r"make this handler async, or serve with gorums\.sync"):
            await within(echo(config[0], Text(text=name)))


@pytest.mark.parametrize("name", CALLS)
async def test_a_plain_handler_that_calls_peers_before_anybody_else_has(name: str) -> None:
    async with serving(Calling(), node_id=1) as address, connected([address]) as config:
        with pytest.raises(gorums.StatusError, match=r"make this handler async, or serve with gorums\.sync"):
            await within(echo(config[0], Text(text=name)))


async def test_a_plain_handler_of_a_client_that_calls() -> None:
    async with running(peers={7: "client:7"}) as server, peer(server, 7, Calling()):
        with pytest.raises(gorums.StatusError, match=r"make this handler async, or serve with gorums\.sync"):
            await within(echo(server.config()[0], Text(text="ask")))


async def test_a_plain_handler_that_connects() -> None:
    class Connecting(Calling):
        def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
            gorums.connect(["127.0.0.1:1"])
            return request

    async with serving(Connecting()) as address, connected([address]) as config:
        with pytest.raises(gorums.StatusError, match=r"no event loop is running: .* make this handler async"):
            await within(echo(config[0], Text()))


async def test_a_call_from_another_event_loop() -> None:
    async def elsewhere(config: gorums.Configuration) -> None:
        with pytest.raises(RuntimeError, match="from another event loop"):
            echo(config[0], Text())

    async with serving(ScriptedCalls()) as address, connected([address]) as config:
        await asyncio.to_thread(asyncio.run, elsewhere(config))


def test_a_call_without_any_event_loop() -> None:
    async def leave() -> gorums.Configuration:
        config = gorums.connect(["127.0.0.1:1"])
        await config.close()
        return config

    config = asyncio.run(leave())
    with pytest.raises(RuntimeError, match="without a running event loop"):
        echo(config[0], Text())
