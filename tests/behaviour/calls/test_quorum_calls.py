"""Quorum calls: when they are sent, which reply they give, and that they are used once."""

import asyncio
from typing import Any

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster
from tests.support.waiting import turns, within


async def fence(cluster: Cluster[ScriptedCalls]) -> list[list[str]]:
    """What the servers have seen once everything sent so far has arrived."""
    for node in cluster.config:
        await within(echo(node, Text(text="fence")))
    return [[text for text in service.seen if text != "fence"] for service in cluster]


async def test_the_size(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 220."""
    for size in (3, 2):
        responses = ask(three.config[:size], Text())
        assert responses.size == size
        await within(responses.all())


async def test_nothing_is_sent_until_a_terminal_method_is_awaited(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 202."""
    responses = ask(three.config, Text(text="lazy"))
    await turns()
    assert await fence(three) == [[], [], []]
    await within(responses.all())
    assert await fence(three) == [["lazy"]] * 3


async def test_a_call_that_is_never_used_is_never_sent(three: Cluster[ScriptedCalls]) -> None:
    responses: Any = ask(three.config, Text(text="unused"))
    with pytest.warns(RuntimeWarning, match="never used"):
        del responses
    assert await fence(three) == [[], [], []]


async def test_iterating_sends(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 202."""
    async for _ in ask(three.config, Text(text="iterated")):
        pass
    assert await fence(three) == [["iterated"]] * 3


@pytest.mark.parametrize("name", ["async_first", "async_majority", "async_all"])
async def test_async_methods_send_during_the_call(three: Cluster[ScriptedCalls], name: str) -> None:
    """Rows: 224."""
    call = getattr(ask(three.config, Text(text="now")), name)()
    assert isinstance(call, asyncio.Future)
    assert [node.pending for node in three.config] == [1, 1, 1]
    assert await fence(three) == [["now"]] * 3
    assert (await within(call)).text == "now"


async def test_correctable_sends_during_the_call(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 234."""
    correctable = ask(three.config, Text(text="now")).correctable(3)
    assert await fence(three) == [["now"]] * 3
    await within(correctable.wait())


async def test_each_node_is_asked_once(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 202."""
    for n in range(20):
        await within(ask(three.config, Text(text=str(n))).majority())
    assert await fence(three) == [[str(n) for n in range(20)]] * 3


async def test_the_first_reply_to_arrive_is_returned(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 204."""
    call = ask(three.config, Text(text="hold-free:x")).async_majority()
    for service in (three.services[2], three.services[0]):
        await service.gates["x"].arrivals()
        service.gates["x"].open()
        await within(echo(three.config[service.number - 1], Text(text="fence")))
        await turns()
    assert (await within(call)).number == 3


async def test_failures_do_not_count_as_first(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 204."""
    assert (await within(ask(three.config, Text(text="fail fail ok")).first())).number == 3


async def test_it_can_be_used_once(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 214."""
    responses = ask(three.config, Text(text="once"))
    await within(responses.all())
    with pytest.raises(RuntimeError):
        await within(responses.all())
    with pytest.raises(RuntimeError):
        await within(responses.collect_all())
    with pytest.raises(RuntimeError):
        await within(responses.async_first())
    with pytest.raises(RuntimeError):
        responses.correctable(1)
    with pytest.raises(RuntimeError):
        async for _ in responses:
            pass
    assert await fence(three) == [["once"]] * 3


async def test_the_request_may_be_changed_once_it_is_sent(three: Cluster[ScriptedCalls]) -> None:
    request = Text(text="before")
    call = ask(three.config, request).async_all()
    request.text = "after"
    assert (await within(call)).text == "before"


async def test_many_at_once(three: Cluster[ScriptedCalls]) -> None:
    calls = [ask(three.config, Text(text=str(n))).async_majority() for n in range(300)]
    assert [reply.text for reply in await within(asyncio.gather(*calls))] == [str(n) for n in range(300)]
    assert await fence(three) == [[str(n) for n in range(300)]] * 3
    assert [node.pending for node in three.config] == [0, 0, 0]


async def test_tasks_that_call_at_the_same_time(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 223."""

    async def caller(name: str) -> list[str]:
        return [(await ask(three.config, Text(text=f"{name}{n}")).all()).text for n in range(20)]

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(caller(name)) for name in "abcde"}
    for name, task in tasks.items():
        assert task.result() == [f"{name}{n}" for n in range(20)]


async def test_a_decided_call_forgets_the_nodes_that_have_not_answered(three: Cluster[ScriptedCalls]) -> None:
    await within(ask(three.config, Text(text="ok ok silent")).majority())
    assert three.config[2].pending == 0
    with pytest.raises(gorums.IncompleteError):
        await within(ask(three.config, Text(text="fail fail silent")).majority())
    assert three.config[2].pending == 0


async def test_late_replies_hurt_nobody(three: Cluster[ScriptedCalls]) -> None:
    for _ in range(10):
        await within(ask(three.config, Text(text="ok ok hold-free:x")).majority())
    three.services[2].gates["x"].open()
    assert (await within(ask(three.config, Text(text="after")).all())).text == "after"


async def test_majorities_and_alls_in_turn(three: Cluster[ScriptedCalls]) -> None:
    for n in range(50):
        await within(ask(three.config, Text(text=f"majority {n}")).majority())
        await within(ask(three.config, Text(text=f"all {n}")).all())


async def test_the_same_call_to_parts_of_a_configuration(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 173."""
    await within(ask(three.config[:2], Text(text="a")).all())
    await within(ask(three.config[1:], Text(text="b")).all())
    assert await fence(three) == [["a"], ["a", "b"], ["b"]]


async def test_custom_aggregation(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 219."""

    async def largest(responses: gorums.Responses[Text]) -> int:
        best = None
        async for r in responses.ignore_errors():
            if best is None or r.value.number > best:
                best = r.value.number
        if best is None:
            raise gorums.IncompleteError.of(responses)
        return best

    assert await within(largest(ask(three.config, Text(text="ok ok fail")))) == 2
    with pytest.raises(gorums.IncompleteError) as error:
        await within(largest(ask(three.config, Text(text="fail"))))
    assert sorted(error.value.node_errors) == [1, 2, 3]
