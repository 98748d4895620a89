"""Interceptors: of the client, around the replies of a call, and of the server, around a handler."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster, connected, serving
from tests.support.waiting import within

Responses = AsyncIterator[gorums.NodeResponse[Text]]
Next = Callable[[gorums.ServerContext, Any], Awaitable[Any]]


def for_node(request: Text, node: gorums.Node) -> Text | None:
    """Tells each node its ID, and leaves the second one out."""
    return None if node.id == 2 else Text(text=f"{request.text} {node.id}")


async def test_a_request_for_each_node(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 200."""
    await within(ask(three.config, Text(text="to"), interceptors=[gorums.map_request(for_node)]).all())
    await within(spread(three.config, Text(text="one-way"), interceptors=[gorums.map_request(for_node)]))
    for service in (three.services[0], three.services[2]):
        await service.has_seen_count(2)
        assert service.seen == [f"to {service.number}", f"one-way {service.number}"]
    assert three.services[1].seen == []


async def test_a_node_that_is_left_out_is_neither_reply_nor_failure(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 212."""

    def call() -> gorums.Responses[Text]:
        return ask(three.config, Text(text="x"), interceptors=[gorums.map_request(for_node)])

    assert sorted(await within(call().collect_all())) == [1, 3]
    assert (await within(call().majority())).number in (1, 3)
    with pytest.raises(gorums.IncompleteError):
        await within(call().threshold(3))

    def nobody(request: Text, node: gorums.Node) -> None:
        return None

    with pytest.raises(gorums.IncompleteError) as error:
        await within(ask(three.config, Text(text="x"), interceptors=[gorums.map_request(nobody)]).first())
    assert error.value.node_errors == {}


async def test_a_reply_of_each_node(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 248."""

    def add_node(value: Text, node: gorums.Node) -> Text:
        return Text(text=f"{value.text} from {node.id}")

    call = ask(three.config, Text(text="ok fail ok"), interceptors=[gorums.map_response(add_node)])
    responses = {r.node_id: r async for r in call}
    assert responses[1].value.text == "ok fail ok from 1"
    assert responses[3].value.text == "ok fail ok from 3"
    assert isinstance(responses[2].error, gorums.StatusError)


async def test_the_first_is_the_innermost(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 244, 245."""

    def append(letter: str) -> Any:
        return gorums.map_response(lambda value, node: Text(text=value.text + letter))

    def prepend(letter: str) -> Any:
        return gorums.map_request(lambda request, node: Text(text=request.text + letter))

    chain = [append("a"), prepend("1"), append("b"), prepend("2")]
    assert (await within(ask(three.config, Text(text="x"), interceptors=chain).all())).text == "x12ab"


async def test_an_interceptor_of_ones_own(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 243."""
    seen: list[tuple[str, int, int]] = []

    async def log(call: gorums.Call[Text, Text], responses: Responses) -> Responses:
        assert call.request.text == "ok fail ok"
        assert call.node(2).id == 2
        async for r in responses:
            seen.append((call.method, call.size, r.node_id))
            if r.error is None:
                yield r

    call = ask(three.config, Text(text="ok fail ok"), interceptors=[log])
    assert sorted(await within(call.collect_all())) == [1, 3]
    assert sorted(seen) == [("calls.Calls.Ask", 3, n) for n in (1, 2, 3)]


async def test_they_apply_to_every_call_type(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 198, 245."""
    mark: Any = gorums.map_request(lambda request, node: Text(text=request.text + "!", number=request.number))
    chain = [mark]
    assert (await within(echo(three.node, Text(text="rpc"), interceptors=chain))).text == "rpc!"
    await within(note(three.node, Text(text="unicast"), interceptors=chain))
    await within(spread(three.config, Text(text="multicast"), interceptors=chain))
    assert (await within(ask(three.config, Text(text="quorum"), interceptors=chain).all())).text == "quorum!"
    assert (await within(ask(three.config, Text(text="async"), interceptors=chain).async_all())).text == "async!"
    replies = await within(follow(three.config, Text(text="stream", number=1), interceptors=chain).collect_all())
    assert [reply.text for reply in replies.values()] == ["stream!"] * 3
    assert three.service.seen == ["rpc!", "unicast!", "multicast!", "quorum!", "async!", "stream!"]


async def test_those_of_the_configuration_apply_to_all_calls(one: Cluster[ScriptedCalls]) -> None:
    """Rows: 250."""
    mark: Any = gorums.map_request(lambda request, node: Text(text=request.text + "!"))
    async with connected(one.addresses, interceptors=[mark]) as config:
        assert (await within(echo(config[0], Text(text="x")))).text == "x!"
        assert (await within(ask(config, Text(text="y")).first())).text == "y!"


async def test_server_interceptors_wrap_the_handler_in_order() -> None:
    """Rows: 251."""
    events: list[str] = []

    def logging(name: str) -> Any:
        async def interceptor(ctx: gorums.ServerContext, request: Text, call_next: Next) -> Any:
            events.append(f"{name} in {request.text}")
            reply = await call_next(ctx, Text(text=request.text + name))
            events.append(f"{name} out")
            return reply

        return interceptor

    async with (
        serving(ScriptedCalls(), interceptors=[logging("a"), logging("b")]) as address,
        connected([address]) as config,
    ):
        assert (await within(echo(config[0], Text(text="x")))).text == "xab"
    assert events == ["a in x", "b in xa", "b out", "a out"]


async def test_a_server_interceptor_may_refuse_and_change_the_reply() -> None:
    """Rows: 252, 253."""

    async def guard(ctx: gorums.ServerContext, request: Text, call_next: Next) -> Any:
        if request.text == "secret":
            raise gorums.StatusError(grpc.StatusCode.PERMISSION_DENIED, "not for you")
        reply = await call_next(ctx, request)
        if isinstance(reply, Text):
            reply.text += " checked"
        return reply

    service = ScriptedCalls()
    async with serving(service, interceptors=[guard]) as address, connected([address]) as config:
        with pytest.raises(gorums.StatusError) as error:
            await within(echo(config[0], Text(text="secret")))
        assert error.value.code == grpc.StatusCode.PERMISSION_DENIED
        assert (await within(echo(config[0], Text(text="x")))).text == "x checked"
        await within(note(config[0], Text(text="one-way")))
        replies = [r.value.number async for r in follow(config, Text(text="stream", number=2))]
        assert replies == [1, 2]
        assert service.seen == ["x", "one-way", "stream"]
