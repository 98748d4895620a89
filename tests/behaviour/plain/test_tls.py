"""Plain clients over TLS."""

import grpc
import grpc.aio
import pytest

import pygorums as gorums
from tests.behaviour.peers.certificates import OTHERS, client_credentials, server_credentials
from tests.behaviour.plain.clients import Outcome, PlainClient
from tests.support.calls import ScriptedCalls


@pytest.mark.parametrize("authority", ["ours", OTHERS])
async def test_tls(authority: str) -> None:
    claims: list[gorums.Claim] = []
    server = gorums.Server(
        ScriptedCalls(),
        address="127.0.0.1:0",
        credentials=server_credentials("127.0.0.1"),
        authorize=claims.append,
        plain=True,
    )
    async with server, grpc.aio.secure_channel(server.address, client_credentials(authority)) as channel:
        outcome = await PlainClient(channel, {}).echo("ok")
    if authority == OTHERS:
        assert (outcome.code, claims) == ("UNAVAILABLE", [])
    else:
        assert outcome == Outcome(("ok",))
        assert claims[0].auth_context["transport_security_type"] == [b"ssl"]
