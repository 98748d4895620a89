"""A client and a server in another process, each on a transport of its own: neither can tell what the other has."""

import grpc
import pytest

import pygorums as gorums
from pygorums.transports.choosing import TransportName
from tests.protos.calls_gorums import ask, echo, follow
from tests.protos.calls_pb2 import Text
from tests.support.cluster import QUICK
from tests.support.process import ServerProcess
from tests.support.waiting import until, within

LARGE = bytes(3_900_000)


@pytest.mark.parametrize("server", ["asyncio", "grpc"])
@pytest.mark.parametrize("client", ["asyncio", "grpc"])
async def test_calls_and_a_server_that_dies(
    monkeypatch: pytest.MonkeyPatch, client: TransportName, server: str
) -> None:
    monkeypatch.setenv("PYGORUMS_TRANSPORT", server)
    metadata: dict[str, str | bytes] = {"key": "value", "bytes-bin": b"\x00\xff"}
    async with (
        ServerProcess(number=7) as process,
        gorums.connect([process.address], transport=client, metadata=metadata, backoff=QUICK) as config,
    ):
        await config.wait_connected(timeout=10)
        assert (await within(echo(config[0], Text(text="ok")))).number == 7
        assert (await within(ask(config, Text(text="ok", data=LARGE)).all())).data == LARGE
        replies = [response async for response in follow(config, Text(text="ok", number=3))]
        assert len(replies) == 3
        with pytest.raises(gorums.StatusError) as failed:
            await within(echo(config[0], Text(text="fail")))
        assert failed.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        hanging = echo(config[0], Text(text="silent"))
        hanging.cancel()
        await process.kill()
        await until(lambda: not config[0].connected)
        with pytest.raises(gorums.StreamDownError):
            await within(echo(config[0], Text(text="gone")))
        await process.start()
        await config.wait_connected(timeout=10)
        assert (await within(echo(config[0], Text(text="back")))).text == "back"
