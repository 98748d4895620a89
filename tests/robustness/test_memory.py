"""What hostile clients can make a server hold, measured from outside."""

import asyncio
import functools
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import grpc
import grpc.aio
import pytest

from tests.protos.calls_gorums import echo
from tests.protos.calls_pb2 import Text
from tests.support.cluster import connected
from tests.support.frames import NODE_STREAM, envelope, request
from tests.support.process import ServerProcess
from tests.support.waiting import within

ECHO = "calls.Calls.Echo"
MANY = 60  # MiB that each client sends, if it may
BOUND = 150  # MiB that the server may grow by, of which 32 are what it may hold, and much is gRPC's


@functools.cache
def _held(text: str, size: int = 0) -> bytes:
    return Text(text=text, data=bytes(size)).SerializeToString()


@functools.cache
def names() -> bytes:
    """Names of methods that nobody serves, and that are repeated in each refusal."""
    return envelope(*[request(number, "x" * 100_000) for number in range(1, 11)]).SerializeToString()


@functools.cache
def entries() -> bytes:
    """Metadata without end, whose handlers release."""
    return request(1, ECHO, _held("hold-free:x"), entries=[("", "")] * 20_000).SerializeToString()


@functools.cache
def unknown() -> bytes:
    """Fields that nobody knows."""
    return request(1, ECHO, _held("hold:x")).SerializeToString() + b"\xa2\x06\xc0\x84\x3d" + bytes(1_000_000)


@functools.cache
def empties() -> bytes:
    """Messages without anything in one envelope."""
    return b"\x7a\x00" * 100_000


@functools.cache
def waiting() -> bytes:
    """Large requests whose handlers wait."""
    return request(1, ECHO, _held("hold:x", 1_000_000)).SerializeToString()


@functools.cache
def released() -> bytes:
    """Large requests whose handlers have released."""
    return request(1, ECHO, _held("hold-free:x", 1_000_000)).SerializeToString()


@functools.cache
def replies() -> bytes:
    """Requests whose replies nobody reads."""
    return request(1, ECHO, _held("ok", 1_000_000)).SerializeToString()


ATTACKS: Sequence[Callable[[], bytes]] = (names, entries, unknown, empties, waiting, released, replies)


class LimitedServer(ServerProcess):
    """One that holds no more than 32 MiB for all its clients."""

    def command(self) -> Sequence[str]:
        return (*super().command(), "32")

    @property
    def memory(self) -> int:
        """MiB in use."""
        assert self._process is not None
        pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        return int(pages) * 4096 >> 20


async def attack(address: str, frame: bytes) -> None:
    """Sends the same again and again, and reads nothing."""
    metadata = [("pygorums-batch", "1"), ("gorums-node-id", "0")]
    async with grpc.aio.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        stream: object = channel.stream_stream(NODE_STREAM)
        call = stream(metadata=metadata)  # type: ignore[operator] # types-grpcio knows no bytes in, bytes out
        try:
            for _ in range((MANY << 20) // len(frame)):
                await call.write(frame)
        except grpc.aio.AioRpcError:
            pass  # the server has had enough
        finally:
            call.cancel()
            with suppress(asyncio.CancelledError):
                await call.code()


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
async def test_memory_is_bounded_whatever_clients_send() -> None:
    """All of them at once, over streams that are called back, which are read from most; and others are still served."""
    async with LimitedServer() as server, connected([server.address]) as other:
        await within(echo(other[0], Text(text="ok")))
        before = server.memory
        attacks = [asyncio.create_task(attack(server.address, make())) for make in ATTACKS]
        peak = before
        for _ in range(8):
            assert (await within(echo(other[0], Text(text="ok")), 30)).text == "ok"
            await asyncio.wait(attacks, timeout=0.1)
            peak = max(peak, server.memory)
        for task in attacks:
            task.cancel()
        await asyncio.wait(attacks)
        assert peak - before < BOUND
