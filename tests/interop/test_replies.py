"""Every reply of a server, error replies too, carries the sequence number and the method of its request."""

import logging
from collections.abc import AsyncIterator

import grpc
import pytest

from pygorums.wire.stream_pb2 import Message
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import serving
from tests.support.frames import request
from tests.support.scripted_client import ScriptedClient


@pytest.fixture
async def client() -> AsyncIterator[ScriptedClient]:
    async with serving(ScriptedCalls()) as address, ScriptedClient(address) as scripted:
        yield scripted


def call(seq: int, method: str, text: str = "", number: int = 0) -> Message:
    return request(seq, f"calls.Calls.{method}", Text(text=text, number=number).SerializeToString())


OK = grpc.StatusCode.OK
UNKNOWN = grpc.StatusCode.UNKNOWN
UNIMPLEMENTED = grpc.StatusCode.UNIMPLEMENTED
REFUSED = grpc.StatusCode.FAILED_PRECONDITION


@pytest.mark.parametrize(
    ("sent", "codes"),
    [
        pytest.param(call(1, "Echo", "ok"), [OK], id="rpc"),
        pytest.param(call(2, "Echo", "fail"), [REFUSED], id="rpc that fails"),
        pytest.param(call(3, "Ask", "ok"), [OK], id="quorum call"),
        pytest.param(call(4, "Ask", "fail"), [REFUSED], id="quorum call that fails"),
        pytest.param(call(5, "Follow", "ok", 3), [OK] * 3, id="correctable"),
        pytest.param(call(6, "Follow", "ok", 0), [], id="correctable without a reply"),
        pytest.param(call(7, "Follow", "fail", 3), [REFUSED], id="correctable that fails"),
        pytest.param(call(8, "Note", "ok"), [], id="unicast"),
        pytest.param(call(9, "Spread", "ok"), [], id="multicast"),
        pytest.param(call(10, "Nope", "ok"), [UNIMPLEMENTED], id="unknown method"),
        pytest.param(request(11, "other.Service.Echo"), [UNIMPLEMENTED], id="unknown service"),
        pytest.param(request(12, ""), [UNIMPLEMENTED], id="no method"),
        pytest.param(request(13, "calls.Calls.Echo", b"\xff\xff"), [UNKNOWN], id="no message"),
        pytest.param(request(14, "calls.Calls.Follow", b"\xff\xff"), [UNKNOWN], id="no message, correctable"),
        pytest.param(call(0, "Echo", "ok"), [OK], id="sequence number 0"),
        pytest.param(call((1 << 63) - 1, "Echo", "ok"), [OK], id="largest sequence number"),
        pytest.param(call(1 << 63 | 7, "Echo", "ok"), [OK], id="bit 63 from an ordinary client"),
    ],
)
async def test_number_and_method(client: ScriptedClient, sent: Message, codes: list[grpc.StatusCode]) -> None:
    fence = call(4711, "Echo", "ok")
    await client.send(sent, fence)
    replies = await client.receive_all(len(codes) + 1)
    assert replies.pop().message_seq_no == 4711, "nothing comes after the expected replies"
    assert [(r.message_seq_no, r.method) for r in replies] == [(sent.message_seq_no, sent.method)] * len(codes)
    assert [r.status.code for r in replies] == [code.value[0] for code in codes]
    for reply in replies:
        assert not reply.entry
        assert not reply.end, "nothing of ours that was not offered"
        assert reply.HasField("status") == (reply.status.code != 0)
        assert bool(reply.payload) == (reply.status.code == 0)


async def test_one_way_handlers_that_fail_say_nothing(client: ScriptedClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.CRITICAL):
        await client.send(call(1, "Note", "fail"), call(2, "Spread", "fail"), call(3, "Echo", "ok"))
        assert (await client.receive()).message_seq_no == 3


async def test_replies_of_streams_do_not_mix() -> None:
    async with (
        serving(ScriptedCalls(2)) as address,
        ScriptedClient(address) as one,
        ScriptedClient(address) as two,
    ):
        await one.send(call(1, "Echo", "one"))
        await two.send(call(1, "Echo", "two"))
        assert Text.FromString((await one.receive()).payload).text == "one"
        assert Text.FromString((await two.receive()).payload).text == "two"
