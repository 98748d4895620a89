"""Clients that send nonsense.

The invariant: the stream that it came on ends with a clear status, or the message is refused, or it means something
harmless; nobody else notices; nothing is logged by asyncio, no task dies, memory stays bounded.
"""

import asyncio
import logging
import tracemalloc
from collections.abc import AsyncIterator

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pygorums as gorums
from pygorums.wire.stream_pb2 import Frame, Message
from tests.protos.calls_gorums import echo
from tests.protos.calls_pb2 import Text
from tests.robustness.raw_client import RawClient
from tests.support.calls import ScriptedCalls
from tests.support.cluster import connected, serving
from tests.support.frames import envelope, request
from tests.support.scripted_client import ScriptedClient
from tests.support.waiting import within

OFFER = [("pygorums-batch", "1"), ("pygorums-stream-end", "1")]

METHODS = ["calls.Calls.Echo", "calls.Calls.Note", "calls.Calls.Spread", "calls.Calls.Ask", "calls.Calls.Follow"]

seq_nos = st.one_of(st.integers(0, 3), st.sampled_from([2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1]))
payloads = st.one_of(
    st.binary(max_size=50),
    st.builds(
        lambda number: Text(text="x", number=number).SerializeToString(),
        st.integers(-(2**63), 2**63 - 1).filter(lambda n: n < 5),
    ),
)
messages = st.builds(
    Message,
    message_seq_no=seq_nos,
    method=st.one_of(st.sampled_from(METHODS), st.sampled_from(["", "calls.Calls.Nothing", "é", "\0", "x" * 5000])),
    payload=payloads,
    end=st.booleans(),
)
broken = st.one_of(
    st.binary(max_size=200),
    # Messages that are cut off, and ones with something changed in the middle.
    st.builds(lambda m, n: m.SerializeToString()[: -1 - n], messages, st.integers(0, 20)),
    st.builds(
        lambda m, n, b: bytes([*(raw := m.SerializeToString())[:n], b, *raw[n + 1 :]]),
        messages,
        st.integers(0, 60),
        st.integers(0, 255),
    ),
)
frames = st.one_of(
    broken,
    messages.map(Message.SerializeToString),
    st.lists(messages, max_size=20).map(lambda parts: envelope(*parts).SerializeToString()),
    # Envelopes within envelopes.
    st.lists(messages, max_size=3).map(
        lambda parts: b"".join(
            b"\x7a" + bytes([len(inner)]) + inner for inner in [envelope(*parts).SerializeToString()[:120]]
        )
    ),
)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "pygorums.server")


@pytest.fixture
async def address() -> AsyncIterator[str]:
    async with serving(ScriptedCalls()) as address:
        yield address


async def is_well(address: str) -> None:
    """An ordinary client is served."""
    async with connected([address]) as config:
        assert (await within(echo(config[0], Text(text="well")))).text == "well"


def test_whatever_comes_harms_the_stream_that_it_came_on_at_most() -> None:
    """One server for all examples: what one of them breaks, the others see."""

    with asyncio.Runner(debug=True) as runner:
        service = ScriptedCalls()
        server = gorums.Server(service)
        address = runner.run(server.start("127.0.0.1:0"))
        config = runner.run(_connect(address))

        @settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(st.lists(frames, max_size=8), st.booleans())
        def send(sent: list[bytes], offering: bool) -> None:
            runner.run(_send_nonsense(address, sent, OFFER if offering else [], config))

        send()
        runner.run(config.close())
        runner.run(server.stop())


async def _connect(address: str) -> gorums.Configuration:
    config = gorums.connect([address])
    await config.wait_connected(timeout=10)
    return config


async def _send_nonsense(
    address: str, sent: list[bytes], metadata: list[tuple[str, str]], bystander: gorums.Configuration
) -> None:
    async with ScriptedClient(address, metadata) as client:
        expected = "not a message"
        try:
            await client.send(*sent)
            await client.half_close()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            expected = ""  # the server had ended the stream already; gRPC may tell a client only that writing failed
        code, text = await client.ended()
        assert code in {grpc.StatusCode.OK, grpc.StatusCode.INTERNAL}
        assert code is grpc.StatusCode.OK or expected in text
    assert (await within(echo(bystander[0], Text(text="x")))).text == "x"
    assert bystander[0].last_error is None


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"\x7a\xff\xff\xff\xff\x0f", id="an entry of 4 GiB"),
        pytest.param(b"\x7a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", id="an entry of 16 EiB"),
        pytest.param(b"\x2a\xff\xff\xff\x7f" + b"x", id="a payload of 256 MiB"),
        pytest.param(b"\x08" + b"\xff" * 11, id="a number without an end"),
        pytest.param(b"\x12\x02\xff\xfe", id="a method that is not UTF-8"),
        pytest.param(b"\x22\x04\x0a\x02\xff\xfe", id="a metadata key that is not UTF-8"),
        pytest.param(b"\x22\x07\x0a\x01k\x12\x02\xff\xfe", id="a metadata value that is not UTF-8"),
        pytest.param(b"\x0b" * 200, id="nested groups"),
        pytest.param(b"\x00", id="field number 0"),
    ],
)
@pytest.mark.parametrize("metadata", [OFFER, []], ids=["batching", "plain"])
async def test_what_cannot_be_read_ends_its_stream_with_a_clear_status(
    address: str, frame: bytes, metadata: list[tuple[str, str]]
) -> None:
    async with ScriptedClient(address, metadata) as client:
        await client.send(frame)
        code, text = await client.ended()
        if frame.startswith(b"\x7a") or code is not grpc.StatusCode.OK:
            assert code is grpc.StatusCode.INTERNAL
            assert "not a message" in text
    await is_well(address)


async def test_the_status_comes_after_replies_that_are_on_their_way(address: str) -> None:
    count = 50
    payload = Text(data=bytes(100_000)).SerializeToString()
    async with ScriptedClient(address) as client:
        await client.send(*[request(n + 1, "calls.Calls.Echo", payload) for n in range(count)], b"\xff")
        assert [message.message_seq_no for message in await client.receive_all(count)] == list(range(1, count + 1))
        code, text = await client.ended()
        assert code is grpc.StatusCode.INTERNAL
        assert "not a message" in text


async def test_an_envelope_within_an_envelope_is_a_message_without_a_method(address: str) -> None:
    inner = envelope(request(5, "calls.Calls.Echo"), request(6, "calls.Calls.Echo"))
    raw = inner.SerializeToString()
    for _ in range(3):
        raw = b"\x7a" + bytes([len(raw)]) + raw
    async with ScriptedClient(address, OFFER) as client:
        await client.send(raw)
        await client.send(request(7, "calls.Calls.Echo"))
        refused, answered = await client.receive_all(2)
        assert (refused.message_seq_no, refused.status.code) == (0, grpc.StatusCode.UNIMPLEMENTED.value[0])
        assert (answered.message_seq_no, answered.status.code) == (7, 0)


@pytest.mark.batching
async def test_many_empty_entries(address: str) -> None:
    """An envelope of nothing but empty entries: each is refused, others are served."""
    count = 1 << 14
    async with ScriptedClient(address, OFFER) as client, connected([address]) as other:
        await client.send(b"\x7a\x00" * count)
        for n in range(50):
            assert (await within(echo(other[0], Text(text=str(n))), 5)).text == str(n)
        received = 0
        while received < count:
            await client.receive()
            received += 1
    await is_well(address)


async def test_memory_does_not_grow_with_nonsense(address: str) -> None:
    async def nonsense() -> None:
        async with ScriptedClient(address, OFFER) as client:
            await client.send(*[envelope(*[request(n, "x" * 1000) for n in range(50)]) for _ in range(5)])
            await client.send(b"\xff")
            await client.ended()

    await nonsense()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(10):
        await nonsense()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 1 << 20


async def test_replies_that_a_server_did_not_ask_for_are_ignored(address: str) -> None:
    """A number with bit 63 is the server's own; nobody waits for it."""
    async with ScriptedClient(address, [*OFFER, ("gorums-node-id", "7")]) as client:
        await client.send(request(1 << 63 | 5, ""), request(2**64 - 1, ""))
        await client.send(request(1, "calls.Calls.Echo"))
        while (await client.receive()).message_seq_no != 1:
            pass


@pytest.mark.parametrize(
    "headers",
    [
        [(b"gorums-node-id", b"\xff\xfe")],
        [(b"pygorums-batch", b"\xff\xfe"), (b"pygorums-heartbeat", b"\xb2")],
        [(b"key-bin", b"!!!!")],
        [(b"x", b"\xe9")],
        [(b"x", b"a" * 120)] * 60,
        [(b"pygorums-heartbeat", b"9" * 100)],
        [(b"pygorums-heartbeat", b"0")] * 5,
        [(b"gorums-node-id", b"-1")],
        [(b"gorums-node-id", b"99999999999999999999")],
    ],
)
async def test_headers_that_no_client_would_send(address: str, headers: list[tuple[bytes, bytes]]) -> None:
    async with RawClient(address) as client:
        client.open(*headers)
        client.message(request(1, "calls.Calls.Echo").SerializeToString())
        await client.answered()
    await is_well(address)


async def test_a_message_that_is_shorter_than_it_says(address: str) -> None:
    async with RawClient(address) as client:
        client.open()
        client.message(b"abc", length=1 << 20)
    await is_well(address)


async def test_a_message_that_says_it_is_larger_than_the_limit(address: str) -> None:
    async with RawClient(address) as client:
        client.open()
        client.message(b"abc", length=2**32 - 1)
        client.ping()  # some versions of gRPC refuse the message, others go on waiting for the rest of it
        await client.answered()
    await is_well(address)


def test_frames_are_messages_with_more_fields() -> None:
    """What the strategies above rely on."""
    assert Frame.FromString(request(3, "m", b"x").SerializeToString()).message_seq_no == 3
