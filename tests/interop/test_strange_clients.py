"""A Python server and clients that leave, or say what they should not: their stream suffers, nobody else's."""

from collections.abc import AsyncIterator

import grpc
import pytest

from pygorums.wire.stream_pb2 import Message
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import serving
from tests.support.frames import request
from tests.support.proxy import TcpProxy
from tests.support.scripted_client import ScriptedClient
from tests.support.waiting import until


@pytest.fixture
async def service() -> ScriptedCalls:
    return ScriptedCalls()


@pytest.fixture
async def address(service: ScriptedCalls) -> AsyncIterator[str]:
    async with serving(service) as bound:
        yield bound
        service.open_all()


def echo(seq: int, text: str = "x") -> Message:
    return request(seq, "calls.Calls.Echo", Text(text=text).SerializeToString())


async def test_a_client_that_has_nothing_more_to_say_gets_its_replies(address: str) -> None:
    async with ScriptedClient(address) as client:
        await client.send(*(echo(seq) for seq in (1, 2, 3)))
        await client.half_close()
        assert [reply.message_seq_no for reply in await client.receive_all(3)] == [1, 2, 3]
        assert (await client.ended())[0] == grpc.StatusCode.OK


async def test_a_client_that_has_nothing_to_say_at_all(address: str) -> None:
    async with ScriptedClient(address) as client:
        await client.half_close()
        assert (await client.ended())[0] == grpc.StatusCode.OK


@pytest.mark.parametrize("node_id", ["", "0", "7", "-1", "abc", "4294967296", "99999999999999999999"])
async def test_any_claim_of_a_node_id_is_served(address: str, node_id: str) -> None:
    async with ScriptedClient(address, [("gorums-node-id", node_id)]) as client:
        await client.send(echo(1))
        assert (await client.receive()).message_seq_no == 1


@pytest.mark.parametrize("value", ["0", "2", "", "yes"])
async def test_an_offer_of_another_kind_of_batching_is_not_taken(address: str, value: str) -> None:
    async with ScriptedClient(address, [("pygorums-batch", value), ("pygorums-unheard-of", "1")]) as client:
        await client.send(*(echo(seq) for seq in range(1, 51)))
        await client.receive_all(50)
        assert not [name for name in await client.initial_metadata() if name.startswith("pygorums-")]
        assert len(client.frames) == 50


@pytest.mark.parametrize(
    "junk",
    [
        pytest.param(b"\xff", id="no tag"),
        pytest.param(b"\x12\x7fcalls", id="cut in a string"),
        pytest.param(b"\x12\x02\xff\xfe", id="a method that is not UTF-8"),
        pytest.param(b"\x0f", id="an unknown wire type"),
        pytest.param(b"\x1a\x05\x08", id="cut in a status"),
    ],
)
async def test_what_is_no_message_ends_its_stream(address: str, junk: bytes) -> None:
    async with ScriptedClient(address) as other, ScriptedClient(address) as client:
        await other.send(echo(1))
        await client.send(echo(1))
        assert (await client.receive()).message_seq_no == 1
        await client.send(junk)
        code, text = await client.ended()
        assert code == grpc.StatusCode.INTERNAL
        assert text
        await other.send(echo(2))
        assert [reply.message_seq_no for reply in await other.receive_all(2)] == [1, 2]


async def test_a_client_that_is_cut_off_in_a_frame(address: str, service: ScriptedCalls) -> None:
    async with (
        TcpProxy(address) as proxy,
        ScriptedClient(proxy.address) as client,
        ScriptedClient(address) as other,
    ):
        await client.send(echo(1, "hold-free:x"))
        await service.gates["x"].arrivals()
        proxy.cut_to_server_after(500)
        await client.send(request(2, "calls.Calls.Echo", Text(text="cut", data=bytes(5000)).SerializeToString()))
        assert (await client.ended())[0] == grpc.StatusCode.UNAVAILABLE
        await other.send(echo(1))
        assert (await other.receive()).message_seq_no == 1
        assert service.seen == ["hold-free:x", "x"]
        await until(lambda: proxy.open_links == 0)


async def test_a_client_that_does_not_read_holds_up_nobody(address: str, service: ScriptedCalls) -> None:
    async with (
        TcpProxy(address) as proxy,
        ScriptedClient(proxy.address) as client,
        ScriptedClient(address) as other,
    ):
        await client.send(echo(1))
        await client.receive()
        proxy.freeze()
        for seq in range(2, 52):
            await client.send(echo(seq, "unread"))
        for seq in range(1, 51):
            await other.send(echo(seq))
        assert len(await other.receive_all(50)) == 50
        proxy.thaw()
        assert len(await client.receive_all(50)) == 50
