"""A network that is slow is not silent: whatever still moves is neither cut nor sent again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK, serving
from tests.support.proxy import TcpProxy
from tests.support.waiting import within

# The client hears nothing whole for longer than that, if it is not told of what comes.
HEARTBEAT_MS = 400
CLIENT = [("grpc.keepalive_time_ms", HEARTBEAT_MS)]
SERVER = [("pygorums.shortest_heartbeat_ms", HEARTBEAT_MS)]
# With these the server's pings are answered in vain if the answer waits behind a large request.
PINGING = [*SERVER, ("grpc.keepalive_time_ms", 800)]
# Bytes per second, so that everything takes longer than the silence that is noticed.
RATE = 200_000
SIZE = 320_000


Options = list[tuple[str, int]]


class Replies(ScriptedCalls):
    """Replies with as many bytes as the number in the request says."""

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        self.seen.append(request.text)
        return Text(text=request.text, data=bytes(request.number))


@asynccontextmanager
async def slow_way(service: gorums.Service, options: Options = SERVER) -> AsyncIterator[tuple[TcpProxy, gorums.Node]]:
    async with serving(service, options=options) as address, TcpProxy(address) as proxy:
        config = gorums.connect([proxy.address], backoff=QUICK, channel_options=CLIENT)
        try:
            await config.wait_connected(timeout=10)
            yield proxy, config[0]
        finally:
            proxy.reset()
            await within(config.close())


@pytest.mark.parametrize(
    ("request_size", "reply_size", "count", "options"),
    [
        pytest.param(0, SIZE, 1, SERVER, id="a large reply"),
        pytest.param(SIZE, 0, 1, PINGING, id="a large request"),
        pytest.param(SIZE // 2, SIZE // 2, 1, SERVER, id="both ways"),
        pytest.param(0, 1000, SIZE // 1000, SERVER, id="many replies"),
        pytest.param(1000, 0, SIZE // 1000, SERVER, id="many requests"),
        pytest.param(0, 20_000, SIZE // 20_000, SERVER, id="some replies"),
    ],
)
async def test_what_moves_arrives_at_the_first_attempt(
    request_size: int, reply_size: int, count: int, options: Options
) -> None:
    service = Replies()
    async with slow_way(service, options) as (proxy, node):
        proxy.to_server_rate = proxy.to_client_rate = RATE
        calls = [echo(node, Text(text=str(n), data=bytes(request_size), number=reply_size)) for n in range(count)]
        replies = await within(asyncio.gather(*calls), 30)
        assert node.channel.last_error is None, "the stream was not cut"
        assert [len(reply.data) for reply in replies] == [reply_size] * count
        assert service.seen == [str(n) for n in range(count)], "each was handled once"
        assert proxy.attempts == 1


async def test_a_large_reply_that_stops_moving_is_given_up() -> None:
    """What was announced may take its time, and no longer."""
    service = Replies()
    async with slow_way(service) as (proxy, node):
        call = echo(node, Text(text="x", number=20_000))
        proxy.freeze()
        await within(proxy.attempted(2))
        proxy.thaw()
        assert len((await within(call)).data) == 20_000
