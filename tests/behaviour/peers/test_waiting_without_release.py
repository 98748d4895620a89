"""What a server says of handlers that may wait for each other, or hold up those behind them."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import pygorums as gorums
import pygorums.sync
from pygorums.serving import context, slow_handlers
from tests.protos.calls_gorums import CallsServer, ask, echo, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import connected, serving
from tests.support.peers import peer, running
from tests.support.waiting import until, within

SERVER = "pygorums.server"


class Nested(CallsServer):
    """Its `echo` calls the nodes of its own server, in the way that the request says."""

    def __init__(self) -> None:
        self.free = asyncio.Event()

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        if request.text == "after":
            ctx.release()
        config = ctx.client_config() if request.text == "client" else ctx.config()
        call = ask(config, Text(text="hold:x")).async_all()
        if request.text == "meanwhile":
            ctx.release()
        await call
        return request

    async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        await self.free.wait()
        return request

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self.free.wait()

    async def spread(self, ctx: gorums.ServerContext, request: Text) -> None:
        raise NotImplementedError

    def follow(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:
        raise NotImplementedError


def said(caplog: pytest.LogCaptureFixture, text: str) -> list[str]:
    return [record.message for record in caplog.records if record.name == SERVER and text in record.message]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "UNRELEASED_AFTER", 0.01)


@pytest.mark.parametrize("where", ["own", "client"])
async def test_a_nested_call_without_release_is_told(where: str, caplog: pytest.LogCaptureFixture) -> None:
    service, theirs = Nested(), ScriptedCalls()
    async with (
        running(service, node_id=1) as server,
        peer(server, 0, theirs),
        connected([str(server.address)]) as config,
    ):
        calls = [echo(config[0], Text(text=where)) for _ in range(3)]
        await until(lambda: said(caplog, "nested"))
        service.free.set()
        theirs.gates["x"].open()
        await within(asyncio.gather(*calls))
    assert len(said(caplog, "nested")) == 1
    assert said(caplog, "nested")[0].startswith("The handler of calls.Calls.Echo waits for a nested call and has not")


@pytest.mark.parametrize("when", ["after", "meanwhile"])
async def test_who_has_released_is_not_told(when: str, caplog: pytest.LogCaptureFixture) -> None:
    service = Nested()
    async with running(service, node_id=1) as server, connected([str(server.address)]) as config:
        call = echo(config[0], Text(text=when))
        with pytest.raises(TimeoutError):
            await within(asyncio.shield(call), 0.1)  # ten times as long as it takes to be told
        service.free.set()
        await within(call)
    assert not said(caplog, "nested")


async def test_a_plain_handler_is_told_too(caplog: pytest.LogCaptureFixture) -> None:
    """Its calls are made in a thread, and sent in another."""
    free = threading.Event()

    class Plain(ScriptedCalls):
        def echo(self, ctx: Any, request: Text) -> Text:  # type: ignore[override]  # in a thread
            ask(ctx.config(), Text(text="x")).all()
            return request

        def ask(self, ctx: Any, request: Text) -> Text:  # type: ignore[override]  # in a thread
            assert free.wait(10)
            return request

    def use() -> None:
        with gorums.sync.Server(Plain(), node_id=1) as server:
            address = server.start("127.0.0.1:0")
            with gorums.sync.connect([address]) as config:
                calling = threading.Thread(target=lambda: echo(config[0], Text()))
                calling.start()
                assert done.wait(10)
                free.set()
                calling.join(10)

    done = threading.Event()
    using = asyncio.create_task(asyncio.to_thread(use))
    await until(lambda: said(caplog, "nested"))
    done.set()
    await within(using)


@asynccontextmanager
async def slow(seconds: float) -> AsyncIterator[tuple[Nested, gorums.Configuration]]:
    service = Nested()
    options = [("pygorums.slow_handler_seconds", seconds)]
    async with serving(service, options=options) as address, connected([address]) as config:
        yield service, config
        service.free.set()


async def test_a_handler_that_holds_up_others_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async with slow(0.02) as (_, config):
        note(config[0], Text())
        note(config[0], Text())
        await until(lambda: said(caplog, "held up"))
    assert said(caplog, "held up")[0].startswith("The handler of calls.Calls.Note for ipv4:127.0.0.1:")
    assert len(said(caplog, "held up")) == 1


@pytest.mark.parametrize(("seconds", "requests"), [(0.02, 1), (0, 2)])
async def test_nobody_is_told_if_none_waits_or_it_is_off(
    seconds: float, requests: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = 0
    look = slow_handlers.SlowHandlers._look

    def counting(self: slow_handlers.SlowHandlers) -> None:
        nonlocal looked
        looked += 1
        look(self)

    monkeypatch.setattr(slow_handlers.SlowHandlers, "_look", counting)
    async with slow(seconds) as (_, config):
        for _ in range(requests):
            note(config[0], Text())
        if seconds:
            await until(lambda: looked >= 5)
        else:
            with pytest.raises(TimeoutError):
                await within(asyncio.Event().wait(), 0.1)
            assert looked == 0
    assert not said(caplog, "held up")


@pytest.mark.parametrize("value", [-1, "long", None])
async def test_times_that_are_none(value: Any) -> None:
    with pytest.raises(gorums.ConfigurationError, match="slow_handler_seconds"):
        gorums.Server(Nested(), options=[("pygorums.slow_handler_seconds", value)])
