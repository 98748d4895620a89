"""Asynchronous functions that judge replies: for several nodes at a time, and within the call's time."""

import asyncio
from collections.abc import AsyncIterator

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, follow
from tests.protos.calls_pb2 import Text
from tests.support.calls import Gate, ScriptedCalls
from tests.support.cluster import Cluster
from tests.support.waiting import until, within


class Verifier:
    """Verifies replies when it is told to.

    Attributes:
        gates: opened for what a node's reply may go on, by ID.
        running: of which nodes replies are being verified.
    """

    def __init__(self) -> None:
        self.gates = {node_id: Gate() for node_id in (1, 2, 3)}
        self.running: list[int] = []

    async def __call__(self, reply: Text, node: gorums.Node) -> Text:
        self.running.append(node.id)
        try:
            await self.gates[node.id].enter()
        finally:
            self.running.remove(node.id)
        if reply.text.startswith("bad"):
            raise PermissionError(f"the signature of node {node.id} is wrong")
        return Text(text="verified", number=reply.number)


async def test_several_nodes_at_a_time(three: Cluster[ScriptedCalls]) -> None:
    verify = Verifier()
    verified = gorums.map_response(verify)
    responses = aiter(ask(three.config, Text(text="x"), interceptors=[verified]))
    order = []
    reading = asyncio.create_task(within(anext(responses)))
    await until(lambda: sorted(verify.running) == [1, 2, 3], "all are being verified")
    for node_id in (2, 3, 1):
        verify.gates[node_id].open()
        response = await reading
        order.append((response.node_id, response.value.text))
        if node_id != 1:
            reading = asyncio.create_task(within(anext(responses)))
    assert order == [(2, "verified"), (3, "verified"), (1, "verified")]
    with pytest.raises(StopAsyncIteration):
        await within(anext(responses))


async def test_an_rpc_and_a_threshold(three: Cluster[ScriptedCalls]) -> None:
    verify = Verifier()
    for gate in verify.gates.values():
        gate.open()
    chain = [gorums.map_response(verify)]
    assert (await within(echo(three.node, Text(text="x"), interceptors=chain))).text == "verified"
    assert (await within(ask(three.config, Text(text="x"), interceptors=chain).all())).text == "verified"
    with pytest.raises(PermissionError):
        await within(echo(three.node, Text(text="bad"), interceptors=chain))
    with pytest.raises(gorums.IncompleteError) as error:
        await within(ask(three.config, Text(text="bad ok silent"), interceptors=chain).all())
    assert error.value.caused_by(PermissionError)


async def test_who_is_not_needed_is_not_waited_for(three: Cluster[ScriptedCalls]) -> None:
    verify = Verifier()
    verify.gates[1].open()
    verify.gates[3].open()
    await within(ask(three.config, Text(text="x"), interceptors=[gorums.map_response(verify)]).majority())
    assert verify.running == [], "the third one is given up"


async def test_replies_of_one_node_keep_their_order(one: Cluster[ScriptedCalls]) -> None:
    started: list[int] = []
    later = asyncio.Event()

    async def first_is_slow(reply: Text, node: gorums.Node) -> Text:
        started.append(reply.number)
        if reply.number == 5:
            later.set()
        if reply.number == 1:
            await later.wait()
        return reply

    call = follow(one.config, Text(text="x", number=5), interceptors=[gorums.map_response(first_is_slow)])
    async with asyncio.timeout(10):
        assert [response.value.number async for response in call] == [1, 2, 3, 4, 5]


async def test_the_time_of_the_call_is_theirs_too(three: Cluster[ScriptedCalls]) -> None:
    verify = Verifier()
    verify.gates[1].open()
    chain = [gorums.map_response(verify)]
    with pytest.raises(gorums.QuorumTimeoutError) as error:
        await within(ask(three.config, Text(text="x"), timeout=0.2, interceptors=chain).majority())
    assert {type(each) for each in error.value.node_errors.values()} == {gorums.CallTimeoutError}
    assert verify.running == []
    with pytest.raises(gorums.QuorumTimeoutError):
        await within(ask(three.config, Text(text="x"), timeout=0.2).collect_quorum(2, check=never))


async def never(reply: Text, node: gorums.Node) -> bool:
    return bool(await asyncio.get_running_loop().create_future())


async def test_a_cancelled_wait_harms_nothing(three: Cluster[ScriptedCalls]) -> None:
    """Neither the verification that is under way nor the order."""
    verify = Verifier()
    responses = aiter(ask(three.config, Text(text="x"), interceptors=[gorums.map_response(verify)]))
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await within(anext(responses), 0.02)
    for gate in verify.gates.values():
        gate.open()
    async with asyncio.timeout(10):
        assert sorted([response.node_id async for response in responses]) == [1, 2, 3]


@pytest.mark.parametrize("cancels", [1, 2])
async def test_a_function_that_cancels_its_own_task(three: Cluster[ScriptedCalls], cancels: int) -> None:
    async def cancelled(reply: Text, node: gorums.Node) -> Text:
        if node.id == 3:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            if cancels == 1:
                await asyncio.sleep(0)
        return reply

    mapped = [gorums.map_response(cancelled)]
    responses = {r.node_id: r async for r in ask(three.config, Text(text="x"), interceptors=mapped, timeout=10)}
    assert sorted(responses) == [1, 2, 3]
    if cancels == 1:
        with pytest.raises(gorums.IncompleteError, match=r"node 3: .*cancelled was cancelled"):
            await within(ask(three.config, Text(text="x"), interceptors=mapped).all())

    def blocking() -> None:
        with gorums.sync.connect(three.addresses) as config:
            told = {r.node_id: str(r.error) for r in ask(config, Text(text="x"), interceptors=mapped, timeout=10)}
        assert sorted(told) == [1, 2, 3]
        assert cancels == 2 or "was cancelled" in told[3]

    await within(asyncio.to_thread(blocking))


async def test_an_awaitable_that_is_cancelled_by_itself(one: Cluster[ScriptedCalls]) -> None:
    async def cancelled(reply: Text, node: gorums.Node) -> Text:
        future: asyncio.Future[Text] = asyncio.get_running_loop().create_future()
        future.cancel()
        return await future

    with pytest.raises(gorums.IncompleteError, match="cancelled"):
        await within(ask(one.config, Text(text="x"), interceptors=[gorums.map_response(cancelled)]).first())


async def test_what_an_inner_interceptor_raises(three: Cluster[ScriptedCalls]) -> None:
    async def broken(
        call: gorums.Call[Text, Text], responses: AsyncIterator[gorums.NodeResponse[Text]]
    ) -> AsyncIterator[gorums.NodeResponse[Text]]:
        async for response in responses:
            yield response
            raise ZeroDivisionError

    verify = Verifier()
    for gate in verify.gates.values():
        gate.open()
    with pytest.raises(ZeroDivisionError):
        await within(ask(three.config, Text(text="x"), interceptors=[broken, gorums.map_response(verify)]).all())


@pytest.mark.parametrize("answer", [None, 1, "yes"])
async def test_an_asynchronous_check(three: Cluster[ScriptedCalls], answer: object) -> None:
    async def check(reply: Text, node: gorums.Node) -> bool:
        await asyncio.sleep(0)
        return node.id != 2

    assert sorted(await within(ask(three.config, Text(text="x")).collect_quorum(2, check))) == [1, 3]

    async def wrong(reply: Text, node: gorums.Node) -> bool:
        return answer  # type: ignore[return-value]

    with pytest.raises(gorums.IncompleteError, match=f"returned {answer!r}"):
        await within(ask(three.config, Text(text="x")).collect_quorum(2, wrong))
