"""Servers that send nonsense.

The invariant: the calls to that node fail, or get a reply that means something; the stream is opened again; calls to
other nodes do not notice; the client goes on.
"""

import asyncio
from contextlib import suppress

import pytest
from google.rpc.status_pb2 import Status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pygorums as gorums
from pygorums.wire.stream_pb2 import Message
from tests.protos.calls_gorums import ask, echo, follow
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK
from tests.support.frames import envelope, reply, request
from tests.support.scripted_server import ScriptedServer, ServerStream
from tests.support.waiting import until, within

replies = st.builds(
    Message,
    message_seq_no=st.one_of(st.integers(0, 12), st.sampled_from([2**63 - 1, 2**63, 2**63 + 1, 2**64 - 1])),
    method=st.sampled_from(["calls.Calls.Echo", "calls.Calls.Ask", "", "é"]),
    payload=st.one_of(st.binary(max_size=20), st.just(Text(text="x").SerializeToString())),
    status=st.one_of(st.none(), st.builds(Status, code=st.integers(-5, 30), message=st.just("m"))),
    end=st.booleans(),
)
frames = st.one_of(
    st.binary(max_size=100),
    replies.map(Message.SerializeToString),
    st.builds(lambda m, n: m.SerializeToString()[: -1 - n], replies, st.integers(0, 8)),
    st.lists(replies, max_size=10).map(lambda parts: envelope(*parts).SerializeToString()),
    st.lists(replies, max_size=3).map(
        lambda parts: envelope(Message.FromString(envelope(*parts).SerializeToString())).SerializeToString()
    ),
)


def test_whatever_comes_harms_the_calls_to_that_node_at_most() -> None:
    """One client for all examples: what one of them breaks, the others see."""
    sent: list[bytes] = []
    confirming = [False]

    async def script(stream: ServerStream) -> None:
        if confirming[0]:
            await stream.confirm(("pygorums-batch", "1"), ("pygorums-stream-end", "1"))
        while await stream.receive() is not None:
            for frame in sent:
                await stream.send(frame)

    with asyncio.Runner(debug=True) as runner:
        strange = ScriptedServer(script)
        well = gorums.Server(ScriptedCalls())
        addresses = [runner.run(strange.start()), runner.run(well.start("127.0.0.1:0"))]
        config = runner.run(_connect(addresses))

        @settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(st.lists(frames, max_size=6), st.booleans())
        def receive(nonsense: list[bytes], confirm: bool) -> None:
            sent[:] = nonsense
            confirming[0] = confirm
            runner.run(_call_all(config))

        receive()
        sent.clear()
        runner.run(config.close())
        runner.run(well.stop())
        with suppress(ExceptionGroup):  # of scripts that were writing when the client gave their stream up
            runner.run(strange.stop())


async def _connect(addresses: list[str]) -> gorums.Configuration:
    config = gorums.connect(addresses, backoff=QUICK)
    await config.wait_connected(timeout=10)
    return config


async def _call_all(config: gorums.Configuration) -> None:
    calls = [
        echo(config[0], Text(text="a"), timeout=0.05),
        ask(config, Text(text="b"), timeout=0.05).async_all(),
        follow(config, Text(text="c", number=1), timeout=0.05).async_first(),
    ]
    assert (await within(echo(config[1], Text(text="well")))).text == "well"
    await within(asyncio.wait(calls))
    for call in calls:
        error = call.exception()
        assert error is None or isinstance(error, gorums.GorumsError)
    assert config[0].pending == 0
    assert config[1].connected
    assert config[1].last_error is None
    await config.wait_connected(timeout=10)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"\x7a\xff\xff\xff\xff\x0f", id="an entry of 4 GiB"),
        pytest.param(b"\x12\x02\xff\xfe", id="a method that is not UTF-8"),
        pytest.param(b"\x22\x07\x0a\x01k\x12\x02\xff\xfe", id="a metadata value that is not UTF-8"),
        pytest.param(b"\x08" + b"\xff" * 11, id="a number without an end"),
    ],
)
async def test_what_cannot_be_read_is_named_and_the_stream_is_opened_again(frame: bytes) -> None:
    async def script(stream: ServerStream) -> None:
        await stream.confirm(("pygorums-batch", "1"))
        first = len(server.streams) == 1
        while (received := await stream.receive()) is not None:
            await stream.send(frame if first else reply(received, received.payload))

    async with ScriptedServer(script) as server, gorums.connect([server.address], backoff=QUICK) as config:
        with pytest.raises(gorums.StatusError) as caught:
            await within(echo(config[0], Text(text="x")))
        assert server.address in str(caught.value)
        assert "not a message" in str(caught.value)
        await config.wait_connected(timeout=10)
        assert (await within(echo(config[0], Text(text="y")))).text == "y"


async def test_replies_that_come_twice_or_to_nobody_are_dropped() -> None:
    async def script(stream: ServerStream) -> None:
        while (received := await stream.receive()) is not None:
            for seq in (received.message_seq_no, received.message_seq_no, 999_999, 0, 2**63 - 1):
                answer = reply(received, received.payload)
                answer.message_seq_no = seq
                await stream.send(answer)

    async with ScriptedServer(script) as server, gorums.connect([server.address], backoff=QUICK) as config:
        for n in range(100):
            assert (await within(echo(config[0], Text(text=str(n))))).text == str(n)
        assert config[0].pending == 0
        assert len(server.streams) == 1


async def test_requests_without_end_from_a_server_are_refused_within_bounds() -> None:
    """Calls back to a client that serves none: each is refused, and what does not fit the send buffer is dropped."""
    count = 20_000

    async def script(stream: ServerStream) -> None:
        await stream.confirm(("pygorums-batch", "1"))
        await stream.receive()
        for start in range(0, count, 1000):
            back = [request(2**63 + start + n, "x" * 100) for n in range(1000)]
            await stream.send(envelope(*back))
        await stream.send(reply(request(1, "calls.Calls.Echo"), b""))
        while await stream.receive() is not None:
            pass

    async with (
        ScriptedServer(script) as server,
        gorums.connect([server.address], backoff=QUICK, send_buffer=1 << 20) as config,
    ):
        await within(echo(config[0], Text()))
        assert config[0].connected
        refusals = server.streams[0]
        await until(lambda: any(message.HasField("status") for message in refusals.messages[-1:]))


async def test_a_reply_larger_than_we_take_is_not_called_the_nodes_decision() -> None:
    async def script(stream: ServerStream) -> None:
        frame = await stream.receive()
        assert frame is not None
        with suppress(Exception):  # the client ends the stream meanwhile
            await stream.send(reply(stream.messages[0], bytes(5 << 20)))
        await stream.receive()

    async with ScriptedServer(script) as server, gorums.connect([server.address], backoff=QUICK) as config:
        with pytest.raises(gorums.StatusError) as caught:
            await within(echo(config[0], Text()))
        text = str(caught.value)
        assert caught.value.code == gorums.StatusCode.RESOURCE_EXHAUSTED
        assert f"the stream to {server.address} had to be ended" in text
        assert "grpc.max_receive_message_length" in text
        assert "CLIENT" not in text
