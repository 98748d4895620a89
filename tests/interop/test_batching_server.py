"""A Python server and clients that offer batching, and clients that do not know it."""

from collections.abc import AsyncIterator

import pytest

from pygorums.wire.stream_pb2 import Frame, Message
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import serving
from tests.support.frames import envelope, request
from tests.support.scripted_client import ScriptedClient

pytestmark = pytest.mark.batching

BATCH = ("pygorums-batch", "1")
MANY = 200


@pytest.fixture
async def service() -> ScriptedCalls:
    return ScriptedCalls()


@pytest.fixture
async def address(service: ScriptedCalls) -> AsyncIterator[str]:
    async with serving(service) as bound:
        yield bound


def echo(seq: int, text: str = "", data: bytes = b"") -> Message:
    return request(seq, "calls.Calls.Echo", Text(text=text or f"t{seq}", data=data).SerializeToString())


def frames_of(client: ScriptedClient) -> list[Frame]:
    return [Frame.FromString(raw) for raw in client.frames]


async def test_an_offer_is_confirmed(address: str) -> None:
    async with ScriptedClient(address, [BATCH]) as client:
        assert (await client.initial_metadata())["pygorums-batch"] == "1"


async def test_without_an_offer_nothing_is_said_or_done(address: str) -> None:
    async with ScriptedClient(address) as client:
        await client.send(*(echo(seq) for seq in range(1, MANY + 1)))
        await client.receive_all(MANY)
        assert len(client.frames) == MANY
        assert not any(frame.batch for frame in frames_of(client))
        assert not [name for name in await client.initial_metadata() if name.startswith("pygorums-")]


async def test_entries_of_an_envelope_are_handled_in_order(address: str, service: ScriptedCalls) -> None:
    async with ScriptedClient(address, [BATCH]) as client:
        await client.send(envelope(*(echo(seq) for seq in range(1, 51))), echo(51), envelope(echo(52), echo(53)))
        replies = await client.receive_all(53)
        assert [r.message_seq_no for r in replies] == list(range(1, 54))
        assert service.seen == [f"t{seq}" for seq in range(1, 54)]


async def test_queued_replies_come_in_envelopes(address: str) -> None:
    async with ScriptedClient(address, [BATCH]) as client:
        await client.send(envelope(*(echo(seq) for seq in range(1, MANY + 1))))
        replies = await client.receive_all(MANY)
        assert [r.message_seq_no for r in replies] == list(range(1, MANY + 1))
        assert len(client.frames) < MANY / 2
        for frame in frames_of(client):
            check_envelope(frame)


async def test_a_lone_reply_comes_plain(address: str) -> None:
    async with ScriptedClient(address, [BATCH]) as client:
        for seq in range(1, 4):
            await client.send(echo(seq))
            await client.receive()
        assert [frame.message_seq_no for frame in frames_of(client)] == [1, 2, 3]


async def test_envelopes_stay_under_a_mebibyte(address: str, service: ScriptedCalls) -> None:
    async with ScriptedClient(address, [BATCH]) as client:
        # Replies of 100 kB pile up behind a handler that is held, then leave together.
        await client.send(echo(1, "hold:x"), *(echo(seq, data=bytes(100_000)) for seq in range(2, 32)))
        await service.gates["x"].arrivals()
        service.gates["x"].let()
        await client.receive_all(31)
        assert all(len(raw) < 1 << 20 for raw in client.frames)


async def test_an_envelope_from_a_client_that_offered_nothing_is_an_unknown_field(
    address: str, service: ScriptedCalls
) -> None:
    async with ScriptedClient(address) as client:
        await client.send(Frame(message_seq_no=9, method="calls.Calls.Echo", batch=[echo(1)]), echo(2))
        assert [r.message_seq_no for r in await client.receive_all(2)] == [9, 2]
        assert service.seen == ["", "t2"]


async def test_an_empty_frame_is_a_message_without_a_method(address: str) -> None:
    async with ScriptedClient(address, [BATCH]) as client:
        await client.send(b"", echo(2))
        first, second = await client.receive_all(2)
        assert (first.message_seq_no, first.status.code) == (0, 12)
        assert second.message_seq_no == 2


def check_envelope(frame: Frame) -> None:
    if frame.batch:
        assert len(frame.batch) > 1, "a lone message is sent plain"
        assert frame == Frame(batch=frame.batch), "an envelope holds nothing but its entries"
