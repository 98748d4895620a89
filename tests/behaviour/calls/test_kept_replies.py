"""How much of what nodes send is kept for a reader who does not read."""

import gc
import weakref
from typing import Any, ClassVar

import grpc
import pytest

import pygorums as gorums
from pygorums.calls import correctable as correctable_module
from pygorums.calls import reply_queue
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster
from tests.support.waiting import until, within


class Kept:
    """A reply that can be counted."""

    alive: ClassVar["weakref.WeakSet[Kept]"] = weakref.WeakSet()

    def __init__(self, number: int) -> None:
        self.number = number
        self.alive.add(self)


async def test_a_correctable_keeps_the_newest_of_each_node() -> None:
    answers: dict[int, Any] = {node_id: [Text(number=n) for n in range(1, 201)] for node_id in (1, 2, 3)}
    counting: Any = gorums.map_response(lambda reply, node: Kept(reply.number))
    responses: gorums.Responses[Any] = gorums.testing.responses(answers, interceptors=[counting])
    correctable = responses.correctable(600)
    most = 0
    while not correctable.done:
        await within(correctable.watch(correctable.get()[1] + 1))
        most = max(most, len(Kept.alive))
    gc.collect()
    latest: Any = correctable.get()[0]
    assert latest.number == 200
    assert len(Kept.alive) == 3
    assert most <= 6, "what is on its way comes on top"
    # Whoever iterates now gets what is left, with the levels that they had.
    assert [(reply.number, level) async for reply, level in correctable] == [(200, 200), (200, 400), (200, 600)]


async def test_an_iteration_that_keeps_up_misses_nothing() -> None:
    answers: dict[int, Any] = {1: [Text(number=n) for n in range(1, 51)]}
    responses: gorums.Responses[Text] = gorums.testing.responses(answers)
    levels = [(reply.number, level) async for reply, level in responses.correctable(50)]
    assert levels == [(n, n) for n in range(1, 51)]


async def test_an_iteration_that_falls_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correctable_module, "MAX_UNREAD", 20_000)
    answers: dict[int, Any] = {node_id: [Text(number=n, data=bytes(1000)) for n in range(100)] for node_id in (1, 2)}
    responses: gorums.Responses[Text] = gorums.testing.responses(answers)
    correctable = responses.correctable(200)
    iterator = aiter(correctable)
    await within(correctable.wait())
    levels = [level async for _, level in iterator]
    assert 2 <= len(levels) <= 20
    assert levels[0] == 100, "the newest of the first node"
    assert levels[-1] == 200
    assert levels == sorted(levels)


async def test_one_node_that_floods_costs_the_others_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reply_queue, "MAX_UNREAD", 20_000)
    flood = [Text(number=n, data=bytes(1000)) for n in range(100)]
    answers: dict[int, Any] = {1: flood, 2: [Text(number=2)], 3: [Text(data=bytes(30_000))], 4: [Text(number=4)]}
    responses: gorums.Responses[Text] = gorums.testing.responses(answers)
    sequence = responses.results()
    first = await within(anext(sequence))  # sends
    await within(gorums.testing.responses(answers).collect_all())  # meanwhile all has come
    rest = [response async for response in sequence]
    failed = {r.node_id: r.error for r in rest if r.error is not None}
    assert sorted(failed) == [1, 3]
    for error in failed.values():
        assert isinstance(error, gorums.StatusError)
        assert error.code == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert [r.value.number for r in (first, *rest) if r.error is None and r.node_id == 1] == list(range(16))
    assert [r.value.number for r in rest if r.error is None and r.node_id > 1] == [2, 4]


async def test_what_was_read_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reply_queue, "MAX_UNREAD", 3_000)
    answers: dict[int, Any] = {1: [Text(number=n, data=bytes(1000)) for n in range(100)]}
    responses: gorums.Responses[Text] = gorums.testing.responses(answers)
    assert [response.value.number async for response in responses] == list(range(100))


async def test_waiting_for_one_node(three: Cluster[ScriptedCalls]) -> None:
    node = three.config[1]
    await within(node.wait_connected())
    await three.servers[1].stop()
    await until(lambda: not node.connected)
    with pytest.raises(TimeoutError, match=r"after 0\.02 s 0 of 1 node connected, 1 needed:\n  node 2 "):
        await within(node.wait_connected(0.02))
    server = gorums.Server(ScriptedCalls(2))
    await within(server.start(three.addresses[1]))
    try:
        await within(node.wait_connected())
        assert node.connected
    finally:
        await within(server.stop())
    await within(three.config.close())
    with pytest.raises(gorums.NodeClosedError):
        await within(node.wait_connected())
