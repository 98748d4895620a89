"""Limits that are lower than gRPC's own: envelopes keep to them, and a message that is larger fails alone."""

import asyncio

import grpc
import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import connected, serving
from tests.support.proxy import TcpProxy
from tests.support.scripted_server import ScriptedServer, swallow
from tests.support.waiting import within

LIMIT = 64 << 10
RECEIVE = [("grpc.max_receive_message_length", LIMIT)]
SEND = [("grpc.max_send_message_length", LIMIT)]
Options = list[tuple[str, int]]


@pytest.mark.parametrize(
    ("client", "server"),
    [
        pytest.param(RECEIVE, [], id="the client takes little"),
        pytest.param([], RECEIVE, id="the server takes little"),
        pytest.param(SEND, [], id="the client sends little"),
        pytest.param([], SEND, id="the server sends little"),
        pytest.param(RECEIVE + SEND, RECEIVE + SEND, id="everybody"),
    ],
)
async def test_envelopes_keep_to_the_lowest_limit(client: Options, server: Options) -> None:
    service = ScriptedCalls()
    async with (
        serving(service, options=server) as address,
        TcpProxy(address) as proxy,
        connected([proxy.address], channel_options=client) as config,
    ):
        held = echo(config[0], Text(text="hold:x"))
        await service.gates["x"].arrivals()
        calls = [echo(config[0], Text(text=str(n), data=bytes(1000))) for n in range(300)]
        service.open_all()
        replies = await within(asyncio.gather(held, *calls))
        assert [reply.text for reply in replies] == ["hold:x", *map(str, range(300))]
        assert proxy.attempts == 1
        assert config[0].last_error is None


async def test_a_message_that_is_too_large_for_the_node_fails_alone() -> None:
    service = ScriptedCalls()
    async with (
        serving(service, options=RECEIVE) as address,
        serving(ScriptedCalls()) as other,
        TcpProxy(address) as proxy,
        connected([proxy.address, other]) as config,
    ):
        large = Text(text="large", data=bytes(LIMIT))
        behind = echo(config[0], Text(text="behind"))
        with pytest.raises(gorums.StatusError) as error:
            await within(echo(config[0], large))
        assert error.value.code == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert str(LIMIT) in error.value.message
        assert "grpc.max_receive_message_length" in error.value.message
        with pytest.raises(gorums.SendError) as unsent:
            await within(note(config[0], large))
        assert unsent.value.caused_by(grpc.StatusCode.RESOURCE_EXHAUSTED)
        assert (await within(ask(config, large).first())).text == "large", "the other node takes it"
        assert (await within(behind)).text == "behind"
        assert proxy.attempts == 1
        assert service.seen == ["behind"]


async def test_a_message_queued_for_a_node_that_turns_out_to_take_less_fails_alone() -> None:
    service = ScriptedCalls()
    async with serving(service, options=RECEIVE) as address, TcpProxy(address) as proxy:
        async with gorums.connect([proxy.address]) as config:
            calls = [echo(config[0], Text(text=str(n), data=bytes(n))) for n in (1, 2 * LIMIT, 3)]
            outcomes = await within(asyncio.gather(*calls, return_exceptions=True))
        assert [isinstance(outcome, Text) for outcome in outcomes] == [True, False, True]
        assert isinstance(outcomes[1], gorums.StatusError)
        assert outcomes[1].code == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert service.seen == ["1", "3"]
        assert proxy.attempts == 1


async def test_a_reply_that_is_too_large_for_the_client_fails_alone() -> None:
    class Replies(ScriptedCalls):
        async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
            return Text(data=bytes(request.number))

    async with (
        serving(Replies()) as address,
        TcpProxy(address) as proxy,
        connected([proxy.address], channel_options=RECEIVE) as config,
    ):
        with pytest.raises(gorums.StatusError) as error:
            await within(echo(config[0], Text(number=LIMIT)))
        assert error.value.code == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert len((await within(echo(config[0], Text(number=LIMIT // 2)))).data) == LIMIT // 2
        assert proxy.attempts == 1


async def test_a_client_tells_its_limit_only_if_it_is_low_or_keeps_a_session() -> None:
    async with ScriptedServer(swallow) as server:
        async with connected([server.address], channel_options=RECEIVE):
            assert (await within(server.opened(1))).offered("pygorums-max-message") == str(LIMIT)
        larger = [("grpc.max_receive_message_length", 8 << 20)]
        async with connected([server.address], session=None, channel_options=larger):
            assert (await within(server.opened(2))).offered("pygorums-max-message") is None
        # In a session a message that is refused for its size would come again.
        async with connected([server.address], session=gorums.Session(), channel_options=larger):
            assert (await within(server.opened(3))).offered("pygorums-max-message") == str(8 << 20)
