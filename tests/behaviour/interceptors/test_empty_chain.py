"""Calls without interceptors pay nothing for there being any."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

import pygorums as gorums
from pygorums.calls import intercepted_call, interceptors, reply_queue, sequence
from tests.protos.calls_gorums import ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster
from tests.support.waiting import within

MACHINERY = [intercepted_call.InterceptedCall, interceptors.Call, interceptors.InterceptedResponses]
PER_RESPONSE = [reply_queue.ReplyQueue, sequence.Source]

Terminal = Callable[[gorums.Configuration, Any], Awaitable[object]]

CALLS: dict[str, Terminal] = {
    "rpc": lambda config, chain: echo(config[0], Text(text="x"), interceptors=chain),
    "unicast": lambda config, chain: note(config[0], Text(text="x"), interceptors=chain),
    "multicast": lambda config, chain: spread(config, Text(text="x"), interceptors=chain),
    "first": lambda config, chain: ask(config, Text(text="x"), interceptors=chain).first(),
    "majority": lambda config, chain: ask(config, Text(text="x"), interceptors=chain).majority(),
    "threshold": lambda config, chain: ask(config, Text(text="x"), interceptors=chain).threshold(3),
    "async_all": lambda config, chain: ask(config, Text(text="x"), interceptors=chain).async_all(),
    "streaming": lambda config, chain: follow(config, Text(text="x", number=1), interceptors=chain).all(),
}


class Made:
    """What was made while a test looked: instances of classes, and tasks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: list[str] = []
        for cls in (*MACHINERY, *PER_RESPONSE):
            monkeypatch.setattr(cls, "__init__", self._noting(cls))

    def _noting(self, cls: Any) -> Callable[..., None]:
        name, init = cls.__name__, cls.__init__

        def noting(instance: object, *args: object, **keywords: object) -> None:
            self.names.append(name)
            init(instance, *args, **keywords)

        return noting


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    return Made(monkeypatch)  # type: ignore[return-value]  # pytest takes it as it is


async def tasks_of(call: Callable[[], Awaitable[object]], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks that the calling side makes from the call to its result."""
    loop = asyncio.get_running_loop()
    names: list[str] = []
    create = loop.create_task

    def noting(coroutine: Any, *, name: str | None = None, **keywords: Any) -> asyncio.Task[Any]:
        names.append(name or "")
        return create(coroutine, name=name, **keywords)

    monkeypatch.setattr(loop, "create_task", noting)
    try:
        await within(call())
    finally:
        monkeypatch.undo()
    # Handlers of the servers, in the same process, have tasks of their own.
    return [name for name in names if "handlers" not in name]


@pytest.mark.parametrize("name", CALLS)
async def test_nothing_is_made(
    three: Cluster[ScriptedCalls], made: Made, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """No `Call`, no queue, no iterator, no task."""
    await within(ask(three.config, Text(text="x")).all())  # all servers, in this process, have accepted their streams
    await within(CALLS[name](three.config, ()))
    assert made.names == []
    assert await tasks_of(lambda: CALLS[name](three.config, ()), monkeypatch) == []


@pytest.mark.parametrize("name", CALLS)
async def test_the_test_would_notice(
    three: Cluster[ScriptedCalls], made: Made, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    chain = [gorums.map_request(lambda request, node: request)]
    await within(CALLS[name](three.config, chain))
    assert {"InterceptedCall", "Call", "InterceptedResponses", "ReplyQueue", "Source"} <= set(made.names)
    assert await tasks_of(lambda: CALLS[name](three.config, chain), monkeypatch) != []


async def test_defaults_without_interceptors_make_nothing_either(three: Cluster[ScriptedCalls], made: Made) -> None:
    config = three.config.with_defaults(timeout=5, metadata={"key": "value"})
    await within(ask(config, Text(text="x")).all())
    await within(spread(config, Text(text="x")))
    assert made.names == []


async def test_iterating_makes_a_queue_but_no_task(
    three: Cluster[ScriptedCalls], made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    def call() -> Awaitable[object]:
        return ask(three.config, Text(text="x")).collect_all()

    await within(call())
    assert made.names == ["Source", "ReplyQueue"]
    assert await tasks_of(call, monkeypatch) == []
