"""Observers of requests: each request whose handler is called, with what became of it."""

import asyncio
import contextlib
import contextvars
from typing import Any

import pytest

import pygorums as gorums
from tests.behaviour.telemetry.recorder import Observed, Recorder
from tests.protos.calls_gorums import CallsServer, ask, echo, follow, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import connected, serving
from tests.support.waiting import until, within

FAILED = "FAILED_PRECONDITION"

MARK: contextvars.ContextVar[str] = contextvars.ContextVar("MARK", default="")


async def test_what_handlers_end_with(subtests: pytest.Subtests) -> None:
    recorder, service = Recorder(), ScriptedCalls()
    async with (
        serving(service, observers=[recorder], cancel_abandoned=True) as address,
        connected([address]) as config,
    ):
        node = config[0]
        for name, call, expected in (
            ("rpc", lambda: echo(node, Text(text="ok")), "OK"),
            ("error", lambda: echo(node, Text(text="fail")), FAILED),
            ("streaming", lambda: follow(config, Text(text="ok", number=2)).collect_all(), "OK"),
            (
                "streaming error",
                lambda: follow(config, Text(text="fail", number=2)).collect_all(),
                FAILED,
            ),
            ("one-way", lambda: note(node, Text(text="ok")), "OK"),
            ("one-way error", lambda: note(node, Text(text="fail")), FAILED),
        ):
            with subtests.test(name):
                recorder.requests.clear()
                with contextlib.suppress(gorums.StatusError):
                    await within(call())
                await until(lambda: recorder.requests and recorder.requests[0].ends)
                assert [request.ends for request in recorder.requests] == [[expected]]
                assert 0 <= recorder.requests[0].seconds < 10
        with subtests.test("abandoned"):
            recorder.requests.clear()
            service.seen.clear()
            future = echo(node, Text(text="silent"))
            await service.has_seen("silent")
            future.cancel()
            await until(lambda: recorder.requests[0].ends == ["CANCELLED"])
        with subtests.test("late"):
            recorder.requests.clear()
            with pytest.raises(gorums.CallTimeoutError):
                await echo(node, Text(text="silent"), timeout=0.02)
            await until(lambda: recorder.requests and recorder.requests[0].ends)
            # The client says that it does not wait any more, which may come before the time is up here.
            assert recorder.requests[0].ends[0] in ("DEADLINE_EXCEEDED", "CANCELLED")
        service.open_all()


async def test_handlers_that_run_end_with_their_server() -> None:
    recorder, service = Recorder(), ScriptedCalls()
    server = gorums.Server(service, observers=[recorder])
    async with connected([await server.start("127.0.0.1:0")]) as config:
        future = echo(config[0], Text(text="silent"), timeout=5.0)
        await service.has_seen("silent")
        await within(server.stop())
        assert [request.ends for request in recorder.requests] == [["CANCELLED"]]
        with pytest.raises(gorums.StatusError):
            await within(future)


class Marking(Recorder):
    """Leaves a mark in the context of handlers, as tracers do."""

    def request(self, ctx: Any) -> Observed:
        MARK.set(ctx.metadata.get("mark", "none"))
        return super().request(ctx)


class Marked(CallsServer):
    """Answers with the mark that it finds, in tasks, in threads and in generators."""

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        await asyncio.sleep(0)
        return Text(text=MARK.get())

    def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return Text(text=MARK.get())

    async def follow(self, ctx: gorums.ServerContext, request: Text) -> Any:
        yield Text(text=MARK.get())
        await asyncio.sleep(0)
        yield Text(text=MARK.get())

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None: ...

    async def spread(self, ctx: gorums.ServerContext, request: Text) -> None: ...


async def test_observers_run_in_the_context_of_the_handler() -> None:
    """And of no other."""
    async with serving(Marked(), observers=[Marking()]) as address, connected([address]) as config:
        node = config[0]
        assert (await echo(node, Text(), metadata={"mark": "a"})).text == "a"
        assert (await ask(config, Text(), metadata={"mark": "b"}).first()).text == "b"
        read = [r.value.text async for r in follow(config, Text(), metadata={"mark": "c"}).ignore_errors()]
        assert read == ["c", "c"]
        assert (await echo(node, Text())).text == "none"
    assert MARK.get() == ""


class Relay(ScriptedCalls):
    """Asks its peers, and answers with what they say."""

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        ctx.release()
        return await ask(ctx.config(), request, timeout=5.0).majority()


async def test_a_server_observes_its_own_calls_too() -> None:
    """Those of handlers to peers, back over their streams, and those of a system over its own."""
    recorder = Recorder()
    async with gorums.local_systems(3, Relay, observers=[recorder]) as systems:
        await systems[0].wait_for_config(lambda config: len(config) == 3, timeout=10)
        await within(echo(systems[0].outbound[0], Text(text="ok")))
        await until(lambda: all(request.ends for request in recorder.requests) and len(recorder.requests) == 4)
    assert [(call.name, call.nodes) for call in recorder.calls] == [
        ("calls.Calls.Echo", [1]),
        ("calls.Calls.Ask", [1, 2, 3]),
    ]
    assert {tuple(request.ends) for request in recorder.requests} == {("OK",)}
