"""Clients of grpc.aio in other processes, and our server over asyncio's sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pygorums as gorums
from tests.interop.grpcio_processes import folder_of, grpcio_client
from tests.support.calls import ScriptedCalls
from tests.support.waiting import until, within

LARGE = 4 << 20
METADATA = [("key", "value"), ("key-bin", "0001ff"), ("other", "x")]


@asynccontextmanager
async def serving(service: ScriptedCalls, **options: Any) -> AsyncIterator[tuple[gorums.Server, str]]:
    server = gorums.Server(service, transport="asyncio", **options)
    address = await server.start("127.0.0.1:0")
    try:
        yield server, address
    finally:
        service.open_all()
        await within(server.stop())


async def test_calls_of_every_kind_and_the_ends_of_streams() -> None:
    service = ScriptedCalls(7)
    async with serving(service) as (_, address), grpcio_client(address, "max_send_message_length=-1") as peer:
        await peer.do("open", metadata=METADATA)
        await peer.do("write", method="Note", text="one", seq=1)
        await peer.do("write", method="Spread", text="two", seq=2)
        await peer.do("write", method="Echo", text="three", size=5, seq=3)
        assert await peer.do("read") == [3, 0, "three", 5]
        assert service.seen == ["one", "two", "three"]
        metadata = service.contexts[-1].metadata
        assert metadata.get("key") == "value"
        assert metadata.get("key-bin") == b"\x00\x01\xff"
        await peer.do("write", method="Follow", text="ok", number=3, seq=4)
        assert [await peer.do("read") for _ in range(3)] == [[4, 0, "ok", 0]] * 3
        await peer.do("write", method="Ask", text="fail", seq=5)
        assert await peer.do("read") == [5, 9, "server 7 refuses", 0]
        await peer.do("write", method="Nothing", seq=6)
        assert await peer.do("read") == [6, 12, "no handler registered for method calls.Calls.Nothing", 0]
        # What was received is answered after the half-close, and then the stream ends in peace.
        await peer.do("write", method="Echo", text="hold:gate", seq=7)
        await peer.do("write", method="Echo", text="after", seq=8)
        await peer.do("half_close")
        await service.has_seen("hold:gate")
        service.gates["gate"].open()
        assert await peer.do("read") == [7, 0, "hold:gate", 0]
        assert await peer.do("read") == [8, 0, "after", 0]
        assert await peer.do("read") is None
        assert await peer.do("status") == ["OK", ""]
        # A stream that the client cancels takes its handlers with it; the channel goes on.
        await peer.do("open")
        await peer.do("write", method="Echo", text="silent")
        await service.has_seen("silent")
        await peer.do("cancel")
        assert await peer.do("status") == ["CANCELLED", "Locally cancelled by application!"]
        await peer.do("open", path="/calls.Calls/Echo")
        assert await peer.do("status") == ["UNIMPLEMENTED", "no method '/calls.Calls/Echo' here"]
        # Large messages, and one that is too large.
        await peer.do("open")
        await peer.do("write", method="Echo", size=LARGE - 60)
        assert await peer.do("read") == [1, 0, "", LARGE - 60]
        await peer.do("write", method="Echo", size=LARGE)
        assert "error" in await peer.do("read")
        code, details = await peer.do("status")
        assert (code, "larger than the 4194304" in details) == ("RESOURCE_EXHAUSTED", True)
        await peer.do("open")
        await peer.do("write", method="Echo", text="again")
        assert await peer.do("read") == [1, 0, "again", 0]


async def test_a_server_that_goes_away() -> None:
    """A client learns it at once, gets what is still answered, and goes on with the next server at that port."""
    service = ScriptedCalls()
    async with serving(service) as (server, address), grpcio_client(address, "initial_reconnect_backoff_ms=50") as peer:
        await peer.do("open")
        await peer.do("write", method="Echo", text="hold:gate")
        await service.has_seen("hold:gate")
        stopping = asyncio.ensure_future(server.stop(10))
        await asyncio.sleep(0)
        service.gates["gate"].open()
        assert await peer.do("read") == [1, 0, "hold:gate", 0]
        assert await peer.do("read") is None
        assert (await peer.do("status"))[0] in ("OK", "UNAVAILABLE")
        await within(stopping)
        next_server = gorums.Server(ScriptedCalls(), transport="asyncio")
        await next_server.start(address)
        try:
            answer = None
            while answer != [1, 0, "next", 0]:
                await peer.do("open")
                await peer.do("write", method="Echo", text="next")
                answer = await peer.do("read")
        finally:
            await within(next_server.stop())


async def test_pings() -> None:
    """A client that sends very many is not turned away, and one that answers ours is not cut off."""
    ours = [("grpc.keepalive_time_ms", 20), ("grpc.http2.ping_timeout_ms", 5000)]
    theirs = ("keepalive_time_ms=20", "http2.max_pings_without_data=0", "keepalive_permit_without_calls=1")
    service = ScriptedCalls()
    async with serving(service, options=ours) as (_, address), grpcio_client(address, *theirs) as peer:
        await peer.do("open")
        for number in range(30):
            await peer.do("write", method="Echo", text="ok", seq=number)
            assert await peer.do("read") == [number, 0, "ok", 0]
            await asyncio.sleep(0.02)


def context(folder: str) -> ssl.SSLContext:
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=f"{folder}/root.pem")
    made.load_cert_chain(f"{folder}/chain.pem", f"{folder}/key.pem")
    made.verify_mode = ssl.CERT_REQUIRED
    return made


async def test_tls_both_ways(tmp_path: Path) -> None:
    servers, clients = folder_of(tmp_path / "server", "127.0.0.1"), folder_of(tmp_path / "client", "client.test")
    claims: list[tuple[Sequence[bytes], ...]] = []

    def authorize(claim: gorums.Claim) -> None:
        proved = claim.auth_context
        claims.append((proved["transport_security_type"], proved["x509_subject_alternative_name"]))

    service = ScriptedCalls()
    async with serving(service, credentials=context(servers), authorize=authorize) as (_, address):
        async with grpcio_client(address, clients) as peer:
            await peer.do("open")
            await peer.do("write", method="Echo", text="ok", size=1 << 20)
            assert await peer.do("read") == [1, 0, "ok", 1 << 20]
            assert claims == [([b"ssl"], [b"client.test"])]
            assert service.contexts[0].auth_context["x509_pem_cert"][0].startswith(b"-----BEGIN CERTIFICATE-----")
        async with grpcio_client(address) as peer:  # without TLS
            await peer.do("open")
            assert (await peer.do("status"))[0] == "UNAVAILABLE"
        await until(lambda: len(claims) == 1)
