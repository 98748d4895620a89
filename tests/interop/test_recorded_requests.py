"""A Python storage server answers the frames of a Go client as the Go servers did, byte for byte."""

from collections.abc import AsyncIterator, Awaitable, Callable

import grpc
import pytest

import pygorums as gorums
from examples.storage.server import StorageImpl
from pygorums.wire.stream_pb2 import Message
from tests.interop.recording import NESTED, Sent, probes, stream
from tests.support.cluster import serving
from tests.support.scripted_client import ScriptedClient


async def no_foo(
    ctx: gorums.ServerContext,
    request: object,
    call_next: Callable[[gorums.ServerContext, object], Awaitable[object]],
) -> object:
    """What the recorded server B ran with."""
    if getattr(request, "key", None) == "foo":
        raise RuntimeError("requests for key 'foo' are not allowed")
    return await call_next(ctx, request)


@pytest.fixture
async def address(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    async with serving(StorageImpl(), interceptors=getattr(request, "param", ())) as bound:
        yield bound


def of_single_server(number: int) -> list[Sent]:
    return [sent for sent in stream(number) if sent.message.method not in NESTED]


# Which link of the recording each stream is, and what its server had installed.
STREAMS = pytest.mark.parametrize(
    ("address", "number"),
    [pytest.param((), 8, id="C"), pytest.param((), 7, id="A"), pytest.param((no_foo,), 9, id="B")],
    indirect=["address"],
)


@STREAMS
async def test_one_at_a_time(address: str, number: int) -> None:
    async with ScriptedClient(address) as client:
        for sent in of_single_server(number):
            if sent.by_client:
                await client.send(sent.raw)
            else:
                await client.receive()
                assert client.frames[-1] == sent.raw, sent.message


@STREAMS
async def test_all_at_once(address: str, number: int) -> None:
    sent = of_single_server(number)
    async with ScriptedClient(address) as client:
        await client.send(*(s.raw for s in sent if s.by_client))
        expected = [s.raw for s in sent if not s.by_client]
        await client.receive_all(len(expected))
        assert client.frames == expected


async def test_probes(address: str) -> None:
    async with ScriptedClient(address) as client:
        for probe in probes():
            await client.send(probe.sent)
            if probe.got is None:
                code, _ = await client.ended()
                assert code == grpc.StatusCode[str(probe.closed)], probe.case
                return
            got, expected = await client.receive(), Message.FromString(probe.got)
            if "parse" in probe.case:
                assert got.status.message, probe.case  # the explanation is the implementation's own
                got.status.message = expected.status.message
            assert got == expected, probe.case


async def test_a_frame_that_is_not_a_message_ends_only_its_own_stream(address: str) -> None:
    async with ScriptedClient(address) as good, ScriptedClient(address) as bad:
        read = next(s for s in stream(8) if s.by_client)
        await good.send(read.raw)
        await good.receive()
        await bad.send(b"\xff\xff\xff\xff")
        assert (await bad.ended())[0] == grpc.StatusCode.INTERNAL
        await good.send(read.raw)
        await good.receive()
