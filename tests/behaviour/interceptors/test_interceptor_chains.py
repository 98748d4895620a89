"""Client interceptors: when they run, in what order, what they see and what they may change."""

import gc
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster
from tests.support.waiting import until, within

Call = gorums.Call[Text, Text]
Stream = AsyncIterator[gorums.NodeResponse[Text]]


async def passing(call: Call, responses: Stream) -> Stream:
    """Changes nothing."""
    async for response in responses:
        yield response


async def without_errors(call: Call, responses: Stream) -> Stream:
    async for response in responses:
        if response.error is None:
            yield response


def skip(*node_ids: int) -> gorums.Interceptor[Text, Any]:
    return gorums.map_request(lambda request, node: None if node.id in node_ids else request)


async def fence(cluster: Cluster[ScriptedCalls]) -> list[list[str]]:
    """What the servers have seen once everything sent so far has arrived."""
    for node in cluster.config:
        await within(echo(node, Text(text="fence")))
    return [[text for text in service.seen if text != "fence"] for service in cluster]


async def test_what_an_interceptor_knows_of_the_call(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 243."""
    calls: list[Call] = []

    def look(call: Call, responses: Stream) -> Stream:
        calls.append(call)
        return responses

    request = Text(text="x")
    part = three.config[1:]
    await within(ask(part, request, timeout=5, metadata={"key": "value"}, interceptors=[look]).all())
    (call,) = calls
    assert call.request is request
    assert (call.method, call.size, call.timeout, call.config) == ("calls.Calls.Ask", 2, 5, part)
    assert list(call.config) == list(part)
    assert call.metadata["key"] == "value"
    assert call.node(3) is part[1]
    with pytest.raises(KeyError):
        call.node(1)
    await within(echo(three.node, request, interceptors=[look]))
    assert (calls[1].method, calls[1].config) == ("calls.Calls.Echo", three.config[:1])


async def test_they_run_when_the_call_is_made(three: Cluster[ScriptedCalls]) -> None:
    """In list order, before anything is sent, and whether the call is used or not.

    Rows: 202, 244.
    """
    order: list[str] = []

    def noting(name: str) -> Any:
        def interceptor(call: Call, responses: Stream) -> Stream:
            order.append(name)
            assert not call.sent
            return responses

        return interceptor

    responses = ask(three.config, Text(text="x"), interceptors=[noting("a"), noting("b"), noting("c")])
    assert order == ["a", "b", "c"]
    assert await fence(three) == [[], [], []]
    await within(responses.all())
    assert await fence(three) == [["x"]] * 3
    assert order == ["a", "b", "c"]


async def test_the_first_sees_responses_first(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 244, 245."""
    order: list[tuple[str, int]] = []

    def noting(name: str) -> Any:
        async def interceptor(call: Call, responses: Stream) -> Stream:
            async for response in responses:
                order.append((name, response.node_id))
                yield response

        return interceptor

    chain = [noting("inner"), noting("middle"), noting("outer")]
    read = [r.node_id async for r in ask(three.config, Text(text="ok fail ok"), interceptors=chain)]
    assert order == [(name, node_id) for node_id in read for name in ("inner", "middle", "outer")]
    assert sorted(read) == [1, 2, 3]


@pytest.mark.parametrize("where", ["inner", "outer"])
async def test_counting(three: Cluster[ScriptedCalls], where: str) -> None:
    """All replies with `all`, at least a quorum with `majority`, also around those that rewrite.

    Rows: 245, 246.
    """
    counted: list[int] = []

    async def count(call: Call, responses: Stream) -> Stream:
        async for response in responses:
            counted.append(response.node_id)
            yield response

    rewrite: list[Any] = [
        gorums.map_request(lambda request, node: Text(text=f"{request.text}{node.id}")),
        gorums.map_response(lambda reply, node: Text(text=f"{reply.text}!")),
    ]
    chain = [count, *rewrite] if where == "inner" else [*rewrite, count]
    reply = await within(ask(three.config, Text(text="x"), interceptors=chain).all())
    assert reply.text in ("x1!", "x2!", "x3!")
    assert sorted(counted) == [1, 2, 3]
    counted.clear()
    await within(ask(three.config, Text(text="x"), interceptors=chain).majority())
    assert len(counted) == 2


async def test_requests_are_rewritten_in_list_order(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 245, 247."""

    def append(letter: str) -> gorums.Interceptor[Text, Any]:
        return gorums.map_request(lambda request, node: Text(text=f"{request.text}{letter}{node.id}"))

    request = Text(text="x")
    await within(ask(three.config, request, interceptors=[append("a"), passing, append("b")]).all())
    assert await fence(three) == [["xa1b1"], ["xa2b2"], ["xa3b3"]]
    assert request.text == "x"


async def test_a_reply_that_cannot_be_mapped_is_a_failure(three: Cluster[ScriptedCalls]) -> None:
    """Errors pass `map_response` by.

    Rows: 248.
    """
    mapped: list[int] = []

    def fail_for_two(reply: Text, node: gorums.Node) -> Text:
        mapped.append(node.id)
        if node.id == 2:
            raise ZeroDivisionError
        return reply

    chain = [gorums.map_response(fail_for_two)]
    responses = {r.node_id: r.error async for r in ask(three.config, Text(text="ok ok fail"), interceptors=chain)}
    assert responses[1] is None
    assert isinstance(responses[2], ZeroDivisionError)
    assert isinstance(responses[3], gorums.StatusError)
    assert sorted(mapped) == [1, 2]
    with pytest.raises(gorums.IncompleteError) as error:
        await within(ask(three.config, Text(text="ok ok fail"), interceptors=chain).majority())
    assert error.value.caused_by(ZeroDivisionError)


async def test_a_request_that_cannot_be_made_is_a_failure_of_its_node(three: Cluster[ScriptedCalls]) -> None:
    def fail_for_two(request: Text, node: gorums.Node) -> Text:
        if node.id == 2:
            raise ZeroDivisionError
        return request

    chain: list[Any] = [gorums.map_request(fail_for_two)]
    assert sorted(await within(ask(three.config, Text(text="x"), interceptors=chain).collect_all())) == [1, 3]
    with pytest.raises(gorums.SendError) as error:
        await within(spread(three.config, Text(text="x"), interceptors=chain))
    assert isinstance(error.value.node_errors[2], ZeroDivisionError)
    with pytest.raises(ZeroDivisionError):
        await within(echo(three.config[1], Text(text="x"), interceptors=chain))
    wrong: list[Any] = [gorums.map_request(lambda request, node: "text")]
    with pytest.raises(gorums.IncompleteError, match=r"takes a request of type calls\.Text"):
        await within(ask(three.config, Text(text="x"), interceptors=wrong).first())


class TestLeavingNodesOut:
    """A node that is left out is neither asked, nor a reply, nor a failure."""

    async def test_all_are_all_that_were_asked(self, three: Cluster[ScriptedCalls]) -> None:
        """Rows: 200, 212."""
        reply = await within(ask(three.config, Text(text="x"), interceptors=[skip(1)]).all())
        assert reply.number in (2, 3)
        assert await fence(three) == [[], ["x"], ["x"]]

    async def test_a_majority_stays_that_of_the_configuration(self, three: Cluster[ScriptedCalls]) -> None:
        """Rows: 212."""
        assert (await within(ask(three.config, Text(text="x"), interceptors=[skip(1)]).majority())).number != 1
        with pytest.raises(gorums.IncompleteError, match="needs 2 replies and only 1 of 3 nodes was asked") as error:
            await within(ask(three.config, Text(text="x"), interceptors=[skip(1, 2)]).majority())
        assert (error.value.node_errors, error.value.replies) == ({}, 0)

    async def test_no_reply_is_made_up_for_them(self, three: Cluster[ScriptedCalls]) -> None:
        """Rows: 212."""
        call = ask(three.config, Text(text="x"), interceptors=[skip(2)])
        assert sorted([r.node_id async for r in call]) == [1, 3]
        correctable = ask(three.config, Text(text="x"), interceptors=[skip(2)]).correctable(3)
        _, level, error = await within(correctable.wait())
        assert level == 2
        assert isinstance(error, gorums.IncompleteError)
        assert error.node_errors == {}

    async def test_one_way(self, three: Cluster[ScriptedCalls]) -> None:
        """Rows: 200, 201."""
        await within(spread(three.config, Text(text="some"), interceptors=[skip(2)]))
        await within(spread(three.config, Text(text="nobody"), interceptors=[skip(1, 2, 3)]))
        await within(note(three.node, Text(text="nobody"), interceptors=[skip(1)]))
        assert await fence(three) == [["some"], [], ["some"]]

    async def test_an_rpc(self, three: Cluster[ScriptedCalls]) -> None:
        with pytest.raises(gorums.StatusError, match="left the node out") as error:
            await within(echo(three.node, Text(text="x"), interceptors=[skip(1)]))
        assert error.value.code == grpc.StatusCode.CANCELLED


async def test_an_interceptor_may_drop_errors(three: Cluster[ScriptedCalls]) -> None:
    chain: list[Any] = [without_errors]
    with pytest.raises(gorums.IncompleteError) as error:
        await within(ask(three.config, Text(text="ok fail fail"), interceptors=chain).majority())
    assert (error.value.replies, sorted(error.value.node_errors)) == (1, [2, 3]), "what has failed is told all the same"
    await three.servers[1].stop()
    await until(lambda: not three.config[1].connected)
    await within(spread(three.config, Text(text="x"), interceptors=chain))
    with pytest.raises(gorums.StatusError) as rpc:
        await within(echo(three.config[1], Text(text="x"), interceptors=chain))
    assert rpc.value.code == grpc.StatusCode.UNAVAILABLE


async def test_metadata_of_an_interceptor(one: Cluster[ScriptedCalls]) -> None:
    """Handlers see them, for all call types."""

    def stamp(call: Call, responses: Stream) -> Stream:
        call.add_metadata("stamp", call.method)
        return responses

    chain: list[Any] = [stamp]
    await within(echo(one.node, Text(text="a"), interceptors=chain))
    await within(note(one.node, Text(text="b"), interceptors=chain))
    await within(spread(one.config, Text(text="c"), interceptors=chain))
    await within(ask(one.config, Text(text="d"), metadata={"stamp": "call"}, interceptors=chain).first())
    await within(follow(one.config, Text(text="e", number=1), interceptors=chain).collect_all())
    assert [ctx.metadata.get_all("stamp") for ctx in one.service.contexts] == [
        ("calls.Calls.Echo",),
        ("calls.Calls.Note",),
        ("calls.Calls.Spread",),
        ("call", "calls.Calls.Ask"),
        ("calls.Calls.Follow",),
    ]


async def test_metadata_that_can_be_read_once(one: Cluster[ScriptedCalls]) -> None:
    calls: list[Any] = [echo, note]
    for call in calls:
        await within(call(one.node, Text(), metadata=iter([("key", "value")]), interceptors=[passing]))
    await one.service.has_seen_count(2)
    assert [ctx.metadata["key"] for ctx in one.service.contexts] == ["value"] * 2


@pytest.mark.parametrize("change", ["map_request", "add_metadata"])
async def test_a_change_that_comes_too_late(one: Cluster[ScriptedCalls], change: str) -> None:
    """It would be lost without a word."""

    async def late(call: Call, responses: Stream) -> Stream:
        if change == "map_request":
            call.map_request(lambda request, node: None)
        else:
            call.add_metadata("key", "value")
        async for response in responses:
            yield response

    with pytest.raises(RuntimeError, match=f"{change} was called after the request of calls.Calls.Ask was sent"):
        await within(ask(one.config, Text(text="x"), interceptors=[late]).first())
    assert one.node.pending == 0


async def not_a_generator(call: Call, responses: Stream) -> Stream:
    return responses


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (not_a_generator, r"not_a_generator must return an asynchronous iterator, not coroutine"),
        (lambda call, responses: None, "not NoneType"),
        (lambda call, responses: [], "not list"),
        (lambda: None, "positional argument"),
        ("no function", "must be a function"),
    ],
)
async def test_what_is_no_interceptor(one: Cluster[ScriptedCalls], wrong: Any, named: str) -> None:
    """Said when the call is made, and nothing is sent.

    Rows: 249.
    """
    calls: list[Any] = [
        (ask, one.config),
        (spread, one.config),
        (follow, one.config),
        (echo, one.node),
        (note, one.node),
    ]
    for call, target in calls:
        with pytest.raises(TypeError, match=named):
            call(target, Text(text="x"), interceptors=[passing, wrong])
    gc.collect()
    assert await fence(one) == [[]]
