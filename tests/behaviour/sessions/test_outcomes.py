"""What callers are told when a session cannot go on: that a call was certainly not handled, or that nobody can know."""

import asyncio
import logging
from typing import Any

import grpc
import pytest

import pygorums as gorums
from examples.storage.storage_gorums import READ_QC, read_qc
from examples.storage.storage_pb2 import ReadRequest, ReadResponse
from tests.behaviour.sessions.broken import failure, line
from tests.protos.calls_gorums import ask, echo, follow, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import Gate, ScriptedCalls
from tests.support.cluster import connected, serving
from tests.support.proxy import TcpProxy
from tests.support.waiting import until, within


async def test_a_node_that_cannot_be_reached_is_told_at_once() -> None:
    async with line(keep=0) as one:
        left = echo(one.node, Text(text="hold:door"))
        await one.service.gates["door"].arrivals()
        one.proxy.stop_listening()
        one.proxy.reset()
        unknown = await failure(left)
        assert isinstance(unknown, gorums.OutcomeUnknownError)
        assert unknown.code() is grpc.StatusCode.UNAVAILABLE
        assert unknown.node_id == 1
        assert str(unknown).endswith("after the call had left")
        await until(lambda: not one.node.connected)
        certain = await failure(echo(one.node, Text(text="later")))
        assert isinstance(certain, gorums.StreamDownError)
        assert certain.certain
        assert "left" not in str(certain)
        # Its process lives, and the session with it: what is asked once it can be reached follows what it has taken.
        await one.proxy.listen()
        one.service.open_all()
        await within(one.config.wait_connected())
        await within(echo(one.node, Text(text="again")))
        assert one.service.seen == ["hold:door", "again"]


async def test_what_nobody_asks_after_does_not_wait_for_a_node_that_was_never_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with TcpProxy("127.0.0.1:1") as proxy:
        proxy.turn_away = True
        async with gorums.connect([proxy.address], session=gorums.Session()) as config:
            await note(config[0], Text(text="lost"), ignore_errors=True)
            assert config[0].channel.queued_bytes > 0
            await until(lambda: config[0].channel.queued_bytes == 0)
            assert config[0].last_error is not None
            await note(config[0], Text(text="lost, too"), ignore_errors=True)
    assert "may be lost" not in caplog.text


async def test_what_waited_when_the_node_was_told_down_never_leaves() -> None:
    async with line(keep=0) as one:
        await within(echo(one.node, Text(text="ok")))
        one.proxy.stop_listening()
        one.proxy.reset()
        calls = [echo(one.node, Text(text=str(number))) for number in range(3)]
        errors = [await failure(call) for call in calls]
        kinds = {type(error) for error in errors}
        assert kinds <= {gorums.StreamDownError, gorums.OutcomeUnknownError}
        await one.proxy.listen()
        await within(one.config.wait_connected())
        await within(echo(one.node, Text(text="again")))
        assert one.service.seen == ["ok", "again"]


async def test_calls_wait_for_a_while_if_they_are_told_to() -> None:
    async with line(keep=10) as one:
        left = echo(one.node, Text(text="hold:door"))
        await one.service.gates["door"].arrivals()
        one.proxy.stop_listening()
        one.proxy.reset()
        waits = echo(one.node, Text(text="waits"))
        await until(lambda: one.node.last_error is not None)
        await one.proxy.listen()
        one.service.open_all()
        assert [(await within(call)).text for call in (left, waits)] == ["hold:door", "waits"]
        assert one.service.seen == ["hold:door", "waits"]


async def test_and_no_longer() -> None:
    async with line(keep=0.1) as one:
        left = echo(one.node, Text(text="hold:door"))
        await one.service.gates["door"].arrivals()
        one.proxy.stop_listening()
        one.proxy.reset()
        assert isinstance(await failure(left), gorums.OutcomeUnknownError)


async def test_another_process_at_the_same_place(caplog: pytest.LogCaptureFixture) -> None:
    async with line() as one:
        left = echo(one.node, Text(text="hold:door"))
        parts = follow(one.config, Text(text="hold-free:door", number=3)).async_all()
        await one.service.gates["door"].arrivals()
        one.proxy.freeze()
        with caplog.at_level(logging.WARNING, "pygorums.streams"):
            await within(note(one.node, Text(text="lost")))
            other = ScriptedCalls()
            async with serving(other) as address:
                one.proxy.target = address
                one.proxy.reset()
                one.proxy.thaw()
                assert isinstance(await failure(left), gorums.OutcomeUnknownError)
                error = await failure(parts)
                assert isinstance(error, gorums.QuorumCallError)
                assert error.caused_by(gorums.OutcomeUnknownError)
                assert error.caused_by(grpc.StatusCode.UNAVAILABLE)
                assert (await within(echo(one.node, Text(text="new")))).text == "new"
                assert other.seen == ["new"]
                one.proxy.reset()
                assert (await within(echo(one.node, Text(text="and on")))).text == "and on"
                await within(one.config.close())
        assert "1 one-way message to node 1" in caplog.text


class Store(gorums.Service):
    """Serves a method that its .proto calls free of side effects, when it is let."""

    __gorums_methods__ = ((READ_QC, "read_qc"),)

    def __init__(self) -> None:
        self.gate = Gate()

    async def read_qc(self, ctx: gorums.ServerContext, request: ReadRequest) -> ReadResponse:
        await self.gate.enter()
        return ReadResponse(value=request.key)


async def test_what_may_be_handled_twice_is_sent_to_another_process() -> None:
    one, two = Store(), Store()
    async with (
        serving(one) as address,
        serving(two) as other,
        TcpProxy(address) as proxy,
        connected([proxy.address], session=gorums.Session(keep=10.0)) as config,
    ):
        call = read_qc(config, ReadRequest(key="x")).async_all()
        await one.gate.arrivals()
        proxy.target = other
        proxy.reset()
        await two.gate.arrivals()
        two.gate.open()
        assert (await within(call)).value == "x"
        one.gate.open()


async def test_what_was_sent_to_another_process_too_is_not_certainly_not_handled() -> None:
    one, two = Store(), Store()
    async with (
        serving(one) as address,
        serving(two) as other,
        TcpProxy(address) as proxy,
        connected([proxy.address], session=gorums.Session()) as config,
    ):
        call = read_qc(config, ReadRequest(key="x")).async_all()
        await one.gate.arrivals()
        proxy.target = other
        proxy.reset()
        await two.gate.arrivals()
        proxy.stop_listening()
        proxy.reset()
        error = await failure(call)
        assert isinstance(error, gorums.IncompleteError)
        assert isinstance(error.node_errors[1], gorums.OutcomeUnknownError)
        for store in (one, two):
            store.gate.open()


async def test_nor_is_what_was_to_be_sent_again_when_its_session_was_over() -> None:
    """It cannot go on, as not all is kept that was written; and the node is gone before there is another session."""
    async with (
        serving(Store()) as address,
        TcpProxy(address) as proxy,
        connected([proxy.address], session=gorums.Session()) as config,
    ):
        await within(config.wait_connected())
        channel: Any = config[0].channel
        proxy.freeze()
        calls = []
        for key in "xy":
            calls.append(read_qc(config, ReadRequest(key=key * 600)).async_all())
            await until(lambda: config.stats().nodes[1].queued_bytes == 0)
        channel._session._half.kept._forget(1)  # as if very large replies to calls back had pushed it out
        proxy.reset()
        await proxy.attempted(2)
        proxy.stop_listening()
        proxy.thaw()
        for call in calls:
            error = await failure(call)
            assert isinstance(error, gorums.IncompleteError)
            assert isinstance(error.node_errors[1], gorums.OutcomeUnknownError), error.node_errors


async def test_a_server_that_has_forgotten_the_session() -> None:
    async with line(server={"session_keep": 0.05}) as one:
        left = echo(one.node, Text(text="hold:door"))
        await one.service.gates["door"].arrivals()
        one.proxy.stop_listening()
        one.proxy.reset()
        await until(lambda: one.service.contexts[0].cancelled)
        await one.proxy.listen()
        assert isinstance(await failure(left), gorums.OutcomeUnknownError)
        await within(echo(one.node, Text(text="new")))
        assert one.service.seen == ["hold:door", "new"]


async def test_the_oldest_session_without_a_connection_goes_first() -> None:
    service = ScriptedCalls()
    async with (
        serving(service, session_limit=1) as address,
        TcpProxy(address) as first,
        TcpProxy(address) as second,
        connected([first.address], session=gorums.Session()) as one,
        connected([second.address], session=gorums.Session()) as two,
    ):
        calls = []
        for proxy, config in ((first, one), (second, two)):
            calls.append(echo(config[0], Text(text="hold:door")))
            await service.gates["door"].arrivals()
            proxy.stop_listening()
        first.reset()
        await until(lambda: not one[0].connected)
        assert not service.contexts[0].cancelled
        second.reset()
        await until(lambda: service.contexts[0].cancelled)
        assert not service.contexts[1].cancelled
        for call in calls:
            assert isinstance(await failure(call), gorums.OutcomeUnknownError)
        service.open_all()


async def test_servers_without_sessions() -> None:
    async with line(server={"session_limit": 0}) as one:
        reply = echo(one.node, Text(text="hold-free:door"))
        await one.service.gates["door"].arrivals()
        one.proxy.reset()
        await one.service.gates["door"].arrivals()
        one.service.open_all()
        await within(reply)
        assert one.service.seen == ["hold-free:door"] * 2, "as without a session"
        assert one.service.contexts[0].session_id is None


async def test_a_server_that_stops_leaves_nothing_unknown() -> None:
    """Also where it cannot say beforehand that it will take no more calls."""
    async with line(keep=0, server={"options": [("pygorums.drain", 0)]}) as one:
        taken = [echo(one.node, Text(text="hold:door")), echo(one.node, Text(text="behind"))]
        await one.service.gates["door"].arrivals()
        await one.service.has_seen("hold:door")
        stop = asyncio.create_task(one.server.stop(grace=5))
        await asyncio.sleep(0)
        late = echo(one.node, Text(text="late"))
        one.service.open_all()
        assert [(await within(call)).text for call in taken] == ["hold:door", "behind"]
        error = await failure(late)
        assert isinstance(error, gorums.StreamDownError), error
        assert error.certain
        await within(stop)
        assert one.service.seen == ["hold:door", "behind"]


async def test_close_ends_the_session_when_everything_has_arrived() -> None:
    async with line() as one:
        for number in range(200):
            note(one.node, Text(text=str(number)))
        await within(one.config.close())
        await one.service.has_seen_count(200)
        assert one.service.seen == [str(number) for number in range(200)]


async def test_a_message_that_is_too_large_for_the_server_does_not_come_again_and_again() -> None:
    large = [("grpc.max_send_message_length", 16 << 20)]
    async with line(channel_options=large) as one:
        await within(echo(one.node, Text(text="ok")))
        with pytest.raises(gorums.StatusError) as caught:
            await within(echo(one.node, Text(data=bytes(5 << 20))))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        await within(echo(one.node, Text(text="ok")))
        assert one.proxy.attempts == 1


async def test_a_server_that_refuses_streams_has_handled_nothing() -> None:
    async def refuse(claim: gorums.Claim) -> None:
        raise gorums.StatusError(grpc.StatusCode.UNAVAILABLE, "not yet")

    service = ScriptedCalls()
    async with serving(service, authorize=refuse) as address:
        config = gorums.connect([address], session=gorums.Session())
        error = await failure(echo(config[0], Text(text="ok")))
        await within(config.close())
    assert isinstance(error, gorums.StreamDownError)
    assert error.certain


async def test_a_quorum_call_tells_what_is_known_of_each_node() -> None:
    async with line(keep=0) as one:
        call = ask(one.config, Text(text="hold:door")).async_majority()
        await one.service.gates["door"].arrivals()
        one.proxy.stop_listening()
        one.proxy.reset()
        error = await failure(call)
        assert isinstance(error, gorums.IncompleteError)
        assert isinstance(error.node_errors[1], gorums.OutcomeUnknownError)
        assert list(one.config.without_errors(error, gorums.OutcomeUnknownError)) == []


@pytest.mark.parametrize("keep", [-1, float("nan"), None, "30", True])
def test_a_session_cannot_be_kept_for_less_than_no_time(keep: Any) -> None:
    with pytest.raises(gorums.ConfigurationError, match="keep must be a number of seconds from 0, not"):
        gorums.Session(keep=keep)
