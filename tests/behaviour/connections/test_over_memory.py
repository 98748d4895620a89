"""Configurations and servers over streams that are not gRPC's: what carries them is given."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest

import pygorums as gorums
from pygorums.base.backoff import Backoff
from pygorums.base.errors import StatusError
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.outbound_pool import OutboundPool
from pygorums.streams.options import StreamOptions
from pygorums.transports.interface import Connector
from pygorums.transports.memory import MemoryAcceptor, memory_connector
from pygorums.wire.handshake import instance_of
from tests.protos.calls_gorums import ask, echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.waiting import until, within


class Network:
    """Streams within this process to the servers at some addresses."""

    def __init__(self, servers: dict[str, gorums.Server]) -> None:
        self._servers = servers
        self._tasks: list[asyncio.Task[None]] = []
        self.streams: list[MemoryAcceptor] = []

    def connector(self, address: str) -> Connector:
        def accept(stream: MemoryAcceptor) -> StatusError | None:
            self.streams.append(stream)
            self._tasks.append(asyncio.create_task(self._serve(self._servers[address], stream)))
            return None

        return memory_connector(accept)

    async def _serve(self, server: gorums.Server, stream: MemoryAcceptor) -> None:
        try:
            await server._acceptor.accept(stream, stream.metadata, "memory", {})
            stream.cut()
        except StatusError as error:
            stream.cut(error)

    async def over(self) -> None:
        await within(asyncio.gather(*self._tasks))


@asynccontextmanager
async def connected(
    network: Network, *addresses: str, server: gorums.Server | None = None
) -> AsyncIterator[Configuration]:
    pool = OutboundPool(
        network.connector,
        metadata=(("who", "me"),),
        send_buffer=1 << 20,
        backoff=Backoff(initial=0.01),
        options=StreamOptions.of(()),
        interceptors=(),
        server=server,
        chance=random.Random(7),
    )
    async with Configuration(
        [pool.add(number, address) for number, address in enumerate(addresses, 1)], pool
    ) as config:
        yield config
    await network.over()


async def test_quorum_calls() -> None:
    servers = {f"{number}.example:1": gorums.Server(ScriptedCalls(number)) for number in (1, 2, 3)}
    network = Network(servers)
    async with connected(network, *servers) as config:
        reply = await within(ask(config, Text(text="ok ok fail")).threshold(2))
        assert reply.text == "ok ok fail"
        with pytest.raises(gorums.QuorumCallError) as caught:
            await within(ask(config, Text(text="ok fail fail")).threshold(2))
        assert caught.value.caused_by(grpc.StatusCode.FAILED_PRECONDITION)
    for server in servers.values():
        await within(server.stop())


async def test_what_handlers_and_authorize_see() -> None:
    claims: list[gorums.Claim] = []
    service = ScriptedCalls()
    network = Network({"a:1": gorums.Server(service, authorize=claims.append)})
    async with connected(network, "a:1") as config:
        await within(echo(config[0], Text(text="ok")))
    (claim,) = claims
    assert (claim.address, claim.node_id, claim.auth_context, claim.metadata["who"]) == ("memory", None, {}, "me")
    assert (service.contexts[0].peer, service.contexts[0].metadata["who"]) == ("memory", "me")


async def test_a_refused_stream() -> None:
    def authorize(claim: gorums.Claim) -> None:
        raise StatusError(grpc.StatusCode.PERMISSION_DENIED, f"not {claim.metadata['who']}")

    network = Network({"a:1": gorums.Server(ScriptedCalls(), authorize=authorize)})
    async with connected(network, "a:1") as config:
        with pytest.raises(StatusError, match="not me"):
            await within(echo(config[0], Text(text="ok")))


async def test_calls_back_and_an_opener_that_is_known_again() -> None:
    server, client = gorums.Server(ScriptedCalls(2)), gorums.Server(ScriptedCalls(1))
    network = Network({"a:1": server})
    async with connected(network, "a:1", server=client) as config:
        await within(echo(config[0], Text(text="ok")))
        back = server.client_config()
        assert (await within(echo(back[0], Text(text="ok")))).number == 1
        network.streams[0].cut()
        await until(lambda: len(network.streams) == 2)
        assert (await within(echo(config[0], Text(text="ok")))).number == 2
    first, second = (instance_of(stream.metadata) for stream in network.streams)
    assert first == second == f"{random.Random(7).getrandbits(128):032x}"
    await within(server.stop())
    await within(client.stop())
