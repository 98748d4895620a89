"""RPCs: one node, one reply."""

import asyncio

import grpc
import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ECHO, echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster, connected
from tests.support.waiting import within


async def test_the_reply(one: Cluster[ScriptedCalls]) -> None:
    """Rows: 186."""
    reply = await within(echo(one.node, Text(text="hello", data=b"\x00\xff")))
    assert reply == Text(text="hello", number=1, data=b"\x00\xff")


async def test_an_empty_message(one: Cluster[ScriptedCalls]) -> None:
    assert (await within(echo(one.node, Text()))).number == 1


async def test_it_is_a_future(one: Cluster[ScriptedCalls]) -> None:
    call = echo(one.node, Text(text="x"))
    assert isinstance(call, asyncio.Future)
    assert not call.done()
    done, _ = await asyncio.wait([call], timeout=10)
    assert done == {call}
    assert call.result().text == "x"
    assert (await call).text == "x"


async def test_it_is_sent_without_being_awaited(one: Cluster[ScriptedCalls]) -> None:
    call = echo(one.node, Text(text="sent"))
    await one.service.has_seen("sent")
    await within(call)


async def test_the_request_may_be_changed_after_the_call(one: Cluster[ScriptedCalls]) -> None:
    request = Text(text="before")
    call = echo(one.node, request)
    request.text = "after"
    assert (await within(call)).text == "before"


async def test_many_at_once(one: Cluster[ScriptedCalls]) -> None:
    """Rows: 190."""
    calls = [echo(one.node, Text(text=str(n))) for n in range(1000)]
    replies = await within(asyncio.gather(*calls))
    assert [reply.text for reply in replies] == [str(n) for n in range(1000)]
    assert one.service.seen == [str(n) for n in range(1000)]


async def test_replies_out_of_order_find_their_calls(one: Cluster[ScriptedCalls]) -> None:
    held = [echo(one.node, Text(text=f"hold-free:{name}")) for name in "abc"]
    for name in "abc":
        await one.service.gates[name].arrivals()
    for name, call in zip("cba", reversed(held), strict=True):
        one.service.gates[name].open()
        assert (await within(call)).text == f"hold-free:{name}"


async def test_an_error_of_the_handler(one: Cluster[ScriptedCalls]) -> None:
    """Rows: 186."""
    with pytest.raises(gorums.StatusError) as error:
        await within(echo(one.node, Text(text="fail")))
    assert error.value.code == grpc.StatusCode.FAILED_PRECONDITION
    assert error.value.message == "server 1 refuses"
    assert error.value.node_id == 1
    assert "server 1 refuses" in str(error.value)


async def test_an_error_leaves_the_stream_alone(one: Cluster[ScriptedCalls]) -> None:
    held = echo(one.node, Text(text="hold-free:x"))
    with pytest.raises(gorums.StatusError):
        await within(echo(one.node, Text(text="fail")))
    one.service.gates["x"].open()
    assert (await within(held)).text == "hold-free:x"


async def test_a_timeout(one: Cluster[ScriptedCalls]) -> None:
    """Rows: 188."""
    with pytest.raises(gorums.StatusError) as error:
        await within(echo(one.node, Text(text="silent"), timeout=0.02))
    assert isinstance(error.value, TimeoutError)
    assert error.value.code == grpc.StatusCode.DEADLINE_EXCEEDED
    assert error.value.node_id == 1
    assert one.node.pending == 0


async def test_a_timeout_that_is_not_reached(one: Cluster[ScriptedCalls]) -> None:
    assert (await within(echo(one.node, Text(text="x"), timeout=10))).text == "x"


@pytest.mark.parametrize("timeout", [0, -1])
async def test_no_time_at_all(one: Cluster[ScriptedCalls], timeout: float) -> None:
    with pytest.raises(TimeoutError):
        await within(echo(one.node, Text(text="silent"), timeout=timeout))
    assert one.node.pending == 0


async def test_nodes_of_one_configuration_are_called_alone(three: Cluster[ScriptedCalls]) -> None:
    replies = [await within(echo(node, Text(text="x"))) for node in three.config]
    assert [reply.number for reply in replies] == [1, 2, 3]
    assert [service.seen for service in three] == [["x"]] * 3


async def test_what_is_not_the_request_fails_alone(one: Cluster[ScriptedCalls]) -> None:
    wrong: object = "text"
    with pytest.raises((TypeError, gorums.GorumsError)):
        await within(echo(one.node, wrong))  # type: ignore[call-overload]  # a user's mistake
    assert (await within(echo(one.node, Text(text="x")))).text == "x"
    assert one.node.pending == 0


async def test_a_message_over_the_limit_fails_alone() -> None:
    service = ScriptedCalls()
    server = gorums.Server(service)
    address = await server.start("127.0.0.1:0")
    try:
        async with connected([address]) as config:
            held = echo(config[0], Text(text="hold-free:x"))
            await service.has_seen("hold-free:x")
            with pytest.raises(gorums.StatusError) as error:
                await within(echo(config[0], Text(text="large", data=bytes(5 << 20))))
            assert error.value.code == grpc.StatusCode.RESOURCE_EXHAUSTED
            service.gates["x"].open()
            assert (await within(held)).text == "hold-free:x"
            assert service.seen == ["hold-free:x"], "the stream was never interrupted"
    finally:
        await server.stop()


async def test_a_message_that_does_not_fit_the_buffer_fails_alone(one: Cluster[ScriptedCalls]) -> None:
    async with connected(one.addresses, send_buffer=1 << 20) as config:
        with pytest.raises(gorums.StatusError) as error:
            await within(echo(config[0], Text(data=bytes(2 << 20))))
        assert error.value.code == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert (await within(echo(config[0], Text(text="x")))).text == "x"


def test_the_method_constant() -> None:
    assert ECHO.name == "calls.Calls.Echo"
    assert ECHO.request_class is Text
    assert ECHO.response_class is Text
