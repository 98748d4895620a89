"""Observers of calls: each call is told of once, and its end once, whatever becomes of it."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

import pygorums as gorums
from tests.behaviour.telemetry.recorder import Recorder
from tests.protos.calls_gorums import ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster, scripted
from tests.support.waiting import until, within

Way = Callable[[gorums.Configuration], Awaitable[object]]
OK, FAILED, LATE, LEFT = "OK", "FAILED_PRECONDITION", "DEADLINE_EXCEEDED", "CANCELLED"


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def three(recorder: Recorder) -> AsyncIterator[Cluster[ScriptedCalls]]:
    async with scripted(3, observers=[recorder]) as cluster:
        yield cluster


async def passing(call: Any, responses: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for response in responses:
        yield response


async def left_early(responses: gorums.Responses[Text]) -> None:
    async for _ in responses:
        break


async def read(responses: gorums.Responses[Text]) -> None:
    async for _ in responses:
        pass


async def never(responses: Any) -> None:
    responses.send()


async def watched(correctable: gorums.Correctable[Text]) -> None:
    await correctable.wait()
    if (error := correctable.get()[2]) is not None:
        raise error


WAYS: dict[str, tuple[Way, str]] = {
    "rpc": (lambda c: echo(c[0], Text(text="ok")), OK),
    "rpc that fails": (lambda c: echo(c[0], Text(text="fail")), FAILED),
    "rpc that is late": (lambda c: echo(c[0], Text(text="silent"), timeout=0.02), LATE),
    "unicast": (lambda c: note(c[0], Text(text="ok")), OK),
    "unicast that nobody follows": (lambda c: note(c[0], Text(text="ok"), ignore_errors=True), OK),
    "multicast": (lambda c: spread(c, Text(text="ok")), OK),
    "first": (lambda c: ask(c, Text(text="fail ok fail")).first(), OK),
    "majority": (lambda c: ask(c, Text(text="ok ok silent")).majority(), OK),
    "majority out of reach": (lambda c: ask(c, Text(text="fail fail ok")).majority(), FAILED),
    "majority that is late": (lambda c: ask(c, Text(text="ok silent silent"), timeout=0.02).majority(), LATE),
    "more than there are": (lambda c: ask(c, Text(text="ok")).threshold(4), "UNAVAILABLE"),
    "future": (lambda c: ask(c, Text(text="ok")).async_all(), OK),
    "streaming majority": (lambda c: follow(c, Text(text="ok", number=2)).majority(), OK),
    "correctable": (lambda c: watched(ask(c, Text(text="ok")).correctable(3)), OK),
    "correctable that falls short": (lambda c: watched(ask(c, Text(text="ok ok fail")).correctable(3)), FAILED),
    "correctable that is late": (
        lambda c: watched(ask(c, Text(text="ok silent silent"), timeout=0.02).correctable(2)),
        LATE,
    ),
    "read to the end": (lambda c: read(ask(c, Text(text="ok fail ok"))), OK),
    "read to the end in vain": (lambda c: read(ask(c, Text(text="fail"))), FAILED),
    "read until it is late": (lambda c: read(ask(c, Text(text="ok ok silent"), timeout=0.05)), LATE),
    "left early": (lambda c: left_early(ask(c, Text(text="ok ok silent"))), OK),
    "collect_n": (lambda c: ask(c, Text(text="ok ok silent")).collect_n(2), OK),
    "collect_all": (lambda c: ask(c, Text(text="ok ok fail")).collect_all(), OK),
    "collect_all that is late": (lambda c: ask(c, Text(text="ok ok silent"), timeout=0.05).collect_all(), LATE),
    "collect_quorum": (lambda c: ask(c, Text(text="ok ok silent")).collect_quorum(), OK),
    "collect_quorum out of reach": (lambda c: ask(c, Text(text="fail fail ok")).collect_quorum(), FAILED),
    "aggregate": (lambda c: ask(c, Text(text="ok ok silent")).aggregate(lambda replies: len(replies) > 1 or None), OK),
    "aggregate in vain": (lambda c: ask(c, Text(text="ok")).aggregate(lambda replies: None), "UNAVAILABLE"),
    "aggregate that raises": (lambda c: ask(c, Text(text="ok")).aggregate(lambda replies: 1 // 0), "UNKNOWN"),
    "streaming replies": (lambda c: read(follow(c, Text(text="ok", number=3))), OK),
    "sent and never read": (lambda c: never(ask(c, Text(text="silent"))), LEFT),
}


@pytest.mark.parametrize("intercepted", [False, True], ids=["plain", "intercepted"])
async def test_each_call_ends_once(
    three: Cluster[ScriptedCalls], recorder: Recorder, intercepted: bool, subtests: pytest.Subtests
) -> None:
    config = three.config.with_defaults(interceptors=[passing]) if intercepted else three.config
    for way, (do, expected) in WAYS.items():
        with subtests.test(way):
            recorder.calls.clear()
            with contextlib.suppress(gorums.GorumsError, ZeroDivisionError):
                await within(do(config))
            gc.collect()
            if intercepted and way == "more than there are":
                assert not recorder.calls, "nothing was sent"
                continue
            await until(lambda: all(recorder.ends), "the call has ended")
            assert recorder.ends == [[expected]]
            assert recorder.calls[0].seconds >= 0


CANCELLED: dict[str, Callable[[gorums.Configuration], Any]] = {
    "rpc": lambda c: echo(c[0], Text(text="silent")),
    "majority": lambda c: ask(c, Text(text="silent")).majority(),
    "future": lambda c: ask(c, Text(text="silent")).async_majority(),
    "collect": lambda c: ask(c, Text(text="ok silent silent")).collect_all(),
    "read": lambda c: read(ask(c, Text(text="silent"))),
    "streaming majority": lambda c: follow(c, Text(text="silent", number=1)).majority(),
}


async def test_cancelled_calls_have_ended(
    three: Cluster[ScriptedCalls], recorder: Recorder, subtests: pytest.Subtests
) -> None:
    for way, call in CANCELLED.items():
        with subtests.test(way):
            recorder.calls.clear()
            three.service.seen.clear()
            waiting = call(three.config)
            task = asyncio.ensure_future(waiting)
            await until(lambda: three.service.seen)
            task.cancel()
            await asyncio.wait({task})
            del waiting, task
            gc.collect()
            assert recorder.ends == [[LEFT]]


async def test_a_cancelled_correctable_has_ended(three: Cluster[ScriptedCalls], recorder: Recorder) -> None:
    correctable = ask(three.config, Text(text="ok silent silent")).correctable(3)
    await within(correctable.watch(1))
    correctable.cancel()
    assert recorder.ends == [[LEFT]]


async def test_what_is_never_sent_is_never_told(three: Cluster[ScriptedCalls], recorder: Recorder) -> None:
    with pytest.warns(RuntimeWarning, match="never used"):
        ask(three.config, Text(text="ok"))
    assert not recorder.calls


async def test_calls_end_with_their_configuration(three: Cluster[ScriptedCalls], recorder: Recorder) -> None:
    futures = [echo(three.config[0], Text(text="silent")), ask(three.config, Text(text="silent")).async_all()]
    await three.config.close()
    await asyncio.wait(futures)
    assert [future.exception() is not None for future in futures] == [True, True]
    assert recorder.ends == [["UNAVAILABLE"], ["UNAVAILABLE"]]


async def test_each_node_is_told_of(three: Cluster[ScriptedCalls], recorder: Recorder) -> None:
    await read(ask(three.config, Text(text="ok fail ok")))
    await spread(three.config, Text(text="ok"))
    call, multicast = recorder.calls
    assert (call.name, call.nodes) == ("calls.Calls.Ask", [1, 2, 3])
    assert sorted(call.answers) == [(1, OK), (2, FAILED), (3, OK)]
    assert sorted(multicast.answers) == [(1, OK), (2, OK), (3, OK)]


async def test_metadata_of_observers_travel_with_the_request(three: Cluster[ScriptedCalls]) -> None:
    async with scripted(1, observers=[Recorder([("a", "1")]), Recorder([("b", "2")], each_node=False)]) as cluster:
        await echo(cluster.node, Text(text="ok"), metadata={"c": "3"})
        assert cluster.service.contexts[0].metadata.pairs[-3:] == (("c", "3"), ("a", "1"), ("b", "2"))
        await note(cluster.node, Text(text="ok"), ignore_errors=True)
        await cluster.service.has_seen_count(2)
        assert cluster.service.contexts[1].metadata["b"] == "2"


class Broken:
    """An observer that fails at every occasion."""

    metadata = ()
    each_node = True

    def call(self, method: object, nodes: object) -> "Broken":
        return self

    def ended(self, *args: object) -> None:
        raise ZeroDivisionError

    replied = failed = ended


class BrokenAtOnce:
    def call(self, method: object, nodes: object) -> None:
        raise ZeroDivisionError


async def test_a_broken_observer_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder()
    async with scripted(3, observers=[Broken(), BrokenAtOnce(), recorder]) as cluster:
        reply = await within(ask(cluster.config, Text(text="ok")).all())
    assert reply.text == "ok"
    assert recorder.ends == [[OK]]
    assert {record.message for record in caplog.records} == {"an observer failed"}
    assert len(caplog.records) == 5


@pytest.mark.parametrize("wrong", [[object()], [Recorder], 5], ids=["object", "class", "number"])
async def test_what_observes_nothing_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="observer"):
        gorums.connect(["127.0.0.1:1"], observers=wrong)
    with pytest.raises(TypeError, match="observer"):
        gorums.Server(observers=wrong)
