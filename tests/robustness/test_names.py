"""Addresses stay names: a node that comes back under another IP address is found."""

from typing import Any

import grpc.aio
import pytest

import pygorums as gorums
from tests.protos.calls_gorums import echo
from tests.protos.calls_pb2 import Text
from tests.robustness.name_server import NameServer
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK
from tests.support.waiting import until, within


async def test_a_node_that_comes_back_under_another_ip_of_the_same_name_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """gRPC's own resolver asks a name server of ours; all that is patched is which one it asks."""
    open_channel = grpc.aio.insecure_channel
    first, second = gorums.Server(ScriptedCalls(1)), gorums.Server(ScriptedCalls(2))
    async with NameServer("127.0.0.1") as names:

        def ask_our_name_server(target: str, options: Any) -> grpc.aio.Channel:
            return open_channel(f"dns://127.0.0.1:{names.port}/{target}", options=options)

        monkeypatch.setattr(grpc.aio, "insecure_channel", ask_our_name_server)
        port = (await first.start("127.0.0.1:0")).rpartition(":")[2]
        async with gorums.connect([f"node.cluster.test:{port}"], transport="grpc", backoff=QUICK) as config:
            assert (await within(echo(config[0], Text()))).number == 1
            asked = names.questions
            await within(first.stop())
            await until(lambda: not config[0].connected)
            await second.start(f"127.0.0.2:{port}")
            names.answer = "127.0.0.2"
            await config.wait_connected(timeout=10)
            assert (await within(echo(config[0], Text()))).number == 2
            assert names.questions > asked
            assert config[0].host == "node.cluster.test"
        await within(second.stop())


async def test_a_name_that_does_not_exist_is_named_by_the_error() -> None:
    async with gorums.connect(["no-such-node.invalid:8080"], backoff=QUICK) as config:
        with pytest.raises(gorums.StreamDownError, match=r"no-such-node\.invalid:8080"):
            await within(echo(config[0], Text()), 20)
