"""What a handler does to its own task and context, while it runs or later, reaches nobody else."""

import asyncio
import decimal
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from typing import Any

import grpc
import pytest

import pygorums as gorums
from tests.protos.calls_gorums import CallsServer, ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.cluster import connected, serving
from tests.support.peers import dialled, peer, running
from tests.support.waiting import turns, until, within

USER: ContextVar[str] = ContextVar("user", default="nobody")

Act = Callable[[str], Awaitable[str]]


class Doing(CallsServer):
    """Does in each handler what the test says, with the request's text.

    Attributes:
        tasks: The task of each request, by its text.
    """

    def __init__(self, act: Act) -> None:
        self._act = act
        self.tasks: dict[str, asyncio.Task[Any]] = {}
        self.held = asyncio.Event()

    async def _do(self, text: str) -> Text:
        task = asyncio.current_task()
        assert task is not None
        self.tasks[text] = task
        if text.startswith("hold"):
            await self.held.wait()
        return Text(text=await self._act(text))

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return await self._do(request.text)

    async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return await self._do(request.text)

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self._do(request.text)

    async def spread(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self._do(request.text)

    async def follow(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:
        yield await self._do(request.text)


async def say_nothing(text: str) -> str:
    return text


@asynccontextmanager
async def over_the_network(service: CallsServer, **options: Any) -> AsyncIterator[gorums.Node]:
    async with serving(service, **options) as address, connected([address]) as config:
        yield config[0]


@asynccontextmanager
async def own_node(service: CallsServer, **options: Any) -> AsyncIterator[gorums.Node]:
    async with running(service, node_id=1, **options) as server:
        yield server.config()[0]


@asynccontextmanager
async def back_to_a_client(service: CallsServer, **options: Any) -> AsyncIterator[gorums.Node]:
    async with running() as server, dialled(server, gorums.Server(service, **options)):
        await until(server.client_config)
        yield server.client_config()[0]


@asynccontextmanager
async def from_a_callable_client(service: CallsServer, **options: Any) -> AsyncIterator[gorums.Node]:
    async with running(service, **options) as server, peer(server) as config:
        yield config[0]


WAYS = [over_the_network, own_node, back_to_a_client, from_a_callable_client]


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
def reaching(request: pytest.FixtureRequest) -> Any:
    """The ways on which requests come to handlers."""
    return request.param


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "pygorums.server")


async def test_a_handler_that_has_answered_is_cancelled(reaching: Any) -> None:
    """A watchdog that nobody has disarmed, for instance."""
    service = Doing(say_nothing)
    async with reaching(service) as node:
        await within(echo(node, Text(text="over")))
        held = echo(node, Text(text="hold"))
        await until(lambda: "hold" in service.tasks)
        service.tasks["over"].cancel()
        await turns()
        service.held.set()
        assert (await within(held)).text == "hold"
        for task in list(service.tasks.values()):
            task.cancel()
        assert (await within(echo(node, Text(text="next")))).text == "next"


async def test_the_handler_that_is_cancelled_fails_alone(reaching: Any) -> None:
    service = Doing(say_nothing)
    async with reaching(service) as node:
        held, behind = echo(node, Text(text="hold")), echo(node, Text(text="behind"))
        await until(lambda: "hold" in service.tasks)
        service.tasks["hold"].cancel()
        with pytest.raises(gorums.StatusError, match=r"the handler of calls\.Calls\.Echo was cancelled") as caught:
            await within(held)
        assert caught.value.code == grpc.StatusCode.CANCELLED
        assert (await within(behind)).text == "behind"
        assert node.connected


async def test_a_handler_that_is_cancelled_before_it_begins(reaching: Any) -> None:
    """As soon as its task is there, and again and again, so that every moment is hit."""
    service = Doing(say_nothing)
    async with reaching(service) as node:
        for delay in range(40):
            call, behind = echo(node, Text(text="first")), echo(node, Text(text="behind"))
            for _ in range(delay):
                await asyncio.sleep(0)
            for task in asyncio.all_tasks():
                if task.get_name().startswith("pygorums handler for"):
                    task.cancel()
            for answer in await within(asyncio.gather(call, behind, return_exceptions=True)):
                assert isinstance(answer, Text) or (
                    isinstance(answer, gorums.StatusError) and answer.code == grpc.StatusCode.CANCELLED
                ), answer
        assert (await within(echo(node, Text(text="after")))).text == "after"


async def cancel_oneself(text: str) -> str:
    task = asyncio.current_task()
    assert task is not None
    found = task.cancelling()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(10)
    return str(found)


async def use_a_task_group(text: str) -> str:
    if text == "swallow":
        return await cancel_oneself(text)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(asyncio.sleep(0, text))
    with suppress(TimeoutError):
        async with asyncio.timeout(0):
            await asyncio.sleep(10)
    return task.result()


async def test_a_cancellation_that_is_swallowed_is_not_handed_on(reaching: Any) -> None:
    async with reaching(Doing(cancel_oneself)) as node:
        assert [(await within(echo(node, Text(text="x")))).text for _ in range(3)] == ["0", "0", "0"]


async def test_task_groups_and_timeouts_after_one(reaching: Any) -> None:
    async with reaching(Doing(use_a_task_group)) as node:
        await within(echo(node, Text(text="swallow")))
        assert (await within(echo(node, Text(text="grouped")))).text == "grouped"


async def tell_user(text: str) -> str:
    found = f"{USER.get()} {decimal.getcontext().prec}"
    if text == "change":
        USER.set("somebody")
        decimal.getcontext().prec = 3
    return found


async def test_context_variables_reach_nobody_else(reaching: Any) -> None:
    # Both are set where the server is made, so that there is something to change for all.
    USER.set("everybody")
    decimal.getcontext().prec = 28
    async with reaching(Doing(tell_user)) as node:
        assert (await within(echo(node, Text(text="change")))).text == "everybody 28"
        await within(note(node, Text(text="change")))
        assert (await within(echo(node, Text(text="look")))).text == "everybody 28"
    assert (USER.get(), decimal.getcontext().prec) == ("everybody", 28)


async def test_who_calls_first_leaves_nothing_of_its_own_there(reaching: Any) -> None:
    async with reaching(Doing(tell_user)) as node:
        USER.set("caller")
        assert (await within(echo(node, Text(text="look")))).text == "nobody 28"


async def test_streaming_and_one_way_handlers_are_alone_too() -> None:
    async with serving(Doing(tell_user)) as address, connected([address]) as config:
        for _ in range(2):
            await within(spread(config, Text(text="change")))
            responses = [response async for response in follow(config, Text(text="change"), timeout=10)]
            assert [response.value.text for response in responses] == ["nobody 28"]


@pytest.mark.parametrize("asynchronous", [True, False])
async def test_a_generator_keeps_its_own_between_its_replies(asynchronous: bool) -> None:
    def told() -> Text:
        return Text(text=f"{USER.get()} {decimal.getcontext().prec}")

    class Streaming(Doing):
        async def follow(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:
            decimal.getcontext().prec = 3
            USER.set("somebody")
            yield told()
            yield told()

    class Blocking(Doing):
        def follow(self, ctx: gorums.ServerContext, request: Text) -> Iterator[Text]:  # type: ignore[override]  # too
            decimal.getcontext().prec = 3
            USER.set("somebody")
            yield told()
            yield told()

    service = (Streaming if asynchronous else Blocking)(tell_user)
    async with serving(service) as address, connected([address]) as config:
        responses = [response async for response in follow(config, Text(), timeout=10)]
        assert [response.value.text for response in responses] == ["somebody 3", "somebody 3"]
        assert (await within(echo(config[0], Text(text="look")))).text == "nobody 28"


async def test_an_interceptor_that_lets_a_user_in() -> None:
    async def intercept(ctx: gorums.ServerContext, request: Text, call_next: Any) -> Any:
        if "token" in ctx.metadata:
            USER.set(ctx.metadata["token"])
        return await call_next(ctx, request)

    class Plain(Doing):
        def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:  # type: ignore[override]  # in a thread
            return Text(text=USER.get())

    async with (
        serving(Plain(tell_user), interceptors=[intercept]) as address,
        connected([address]) as config,
    ):
        assert (await within(echo(config[0], Text(), metadata={"token": "root"}))).text == "root 28"
        assert (await within(echo(config[0], Text()))).text == "nobody 28"
        assert (await within(ask(config, Text(), metadata={"token": "root"}).all())).text == "root"
        assert (await within(ask(config, Text()).all())).text == "nobody"


@pytest.mark.parametrize("asynchronous", [True, False])
@pytest.mark.parametrize("who", ["authorize", "on_connect", "on_config_change"])
async def test_callbacks_of_the_server_too(who: str, asynchronous: bool) -> None:
    """None of them has a task of the engine in its hands, nor a context that others see."""
    tasks: list[asyncio.Task[Any] | None] = []
    found: list[str] = []

    def plain(_: Any) -> None:
        tasks.append(asyncio.current_task())
        found.append(USER.get())
        USER.set("somebody")

    async def deferred(_: Any) -> None:
        plain(_)
        await asyncio.sleep(0)

    callback = deferred if asynchronous and who != "on_config_change" else plain
    service = Doing(tell_user)
    async with (
        running(service, node_id=1, peers={1: "one:1", 2: "two:2"}, **{who: callback}) as server,
        peer(server, 2) as config,
        peer(server, 2) as other,
    ):
        for node in (config[0], other[0]):
            assert (await within(echo(node, Text(text="before")))).text == "nobody 28"
        assert found
        for task in tasks:
            if task is not None and task is not asyncio.current_task():
                task.cancel()
        await turns()
        for node in (config[0], other[0]):
            assert (await within(echo(node, Text(text="after")))).text == "nobody 28"
        assert set(found) == {"nobody"}
    assert USER.get() == "nobody"


@pytest.mark.parametrize("who", ["authorize", "on_connect"])
async def test_a_callback_that_is_cancelled_is_told_or_logged(who: str, caplog: pytest.LogCaptureFixture) -> None:
    async def cancelled(_: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(10)

    caplog.set_level(logging.ERROR, "pygorums.server")
    callbacks: dict[str, Any] = {who: cancelled}
    async with serving(Doing(say_nothing), **callbacks) as address, gorums.connect([address]) as config:
        if who == "authorize":
            with pytest.raises(gorums.StatusError, match="could not be judged"):
                await within(echo(config[0], Text(text="x")))
        else:
            assert (await within(echo(config[0], Text(text="x")))).text == "x"
    assert f"{who} failed for the stream" in caplog.text
