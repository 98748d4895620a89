"""TLS credentials that cannot work: refused in words before anything is tried, and gRPC says nothing beside."""

from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

import pygorums as gorums
from pygorums.transports.grpc.tls_check import check_tls
from tests.behaviour.peers.certificates import client_credentials, identity, server_credentials
from tests.support.calls import ScriptedCalls

OWN, OTHER = identity("a.example"), identity("b.example")
KEY, CHAIN, ROOTS = OWN.private_key, OWN.certificate, OWN.authority
ENCRYPTED = load_pem_private_key(KEY, None).private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password")
)
SPOILT = b"-----BEGIN %s-----\nAAAA\n-----END %s-----\n"

PAIRS: dict[str, tuple[Any, Any, str]] = {
    "a key of another certificate": (OTHER.private_key, CHAIN, "the private key does not belong to the certificate"),
    "a key that is none": (b"nonsense", CHAIN, "the private key is no key in PEM"),
    "a chain that is none": (KEY, b"nonsense", "the certificate chain is no certificate in PEM"),
    "nothing": (b"", b"", "the certificate chain is no certificate in PEM"),
    "the two the wrong way round": (CHAIN, KEY, "the certificate chain is no certificate in PEM"),
    "an encrypted key": (ENCRYPTED, CHAIN, "the private key is encrypted"),
    "a spoilt key": (SPOILT % (b"PRIVATE KEY", b"PRIVATE KEY"), CHAIN, "the private key or its certificate cannot"),
    "a spoilt chain": (KEY, SPOILT % (b"CERTIFICATE", b"CERTIFICATE"), "the private key or its certificate cannot"),
}


async def refused_by_a_server(credentials: grpc.ServerCredentials) -> str:
    server = gorums.Server(ScriptedCalls(), credentials=credentials)
    with pytest.raises(gorums.ConfigurationError, match="the TLS credentials cannot be used: ") as error:
        await server.start("127.0.0.1:0")
    await server.stop()
    return str(error.value)


async def refused_by_a_client(credentials: grpc.ChannelCredentials) -> str:
    with pytest.raises(gorums.ConfigurationError, match="the TLS credentials cannot be used: ") as error:
        gorums.connect(["127.0.0.1:1"], credentials=credentials)
    return str(error.value)


@pytest.mark.parametrize("what", PAIRS)
async def test_a_pair_of_key_and_certificate(what: str, capfd: pytest.CaptureFixture[str]) -> None:
    key, chain, reason = PAIRS[what]
    assert reason in await refused_by_a_server(grpc.ssl_server_credentials([(key, chain)]))
    assert reason in await refused_by_a_client(grpc.ssl_channel_credentials(ROOTS, key, chain))
    assert capfd.readouterr().err == ""


async def test_one_of_several_pairs() -> None:
    credentials = grpc.ssl_server_credentials([(KEY, CHAIN), (KEY, OTHER.certificate)])
    assert "the private key 2 does not belong" in await refused_by_a_server(credentials)


@pytest.mark.parametrize("roots", [b"nonsense", b"", SPOILT % (b"CERTIFICATE", b"CERTIFICATE")])
async def test_root_certificates(roots: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    reason = "there is no usable certificate in the root certificates"
    assert reason in await refused_by_a_server(grpc.ssl_server_credentials([(KEY, CHAIN)], roots, roots != b""))
    if roots:  # none at all stands for the default ones
        assert reason in await refused_by_a_client(grpc.ssl_channel_credentials(roots))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("key", "chain"), [(KEY, None), (None, CHAIN)])
async def test_half_a_pair_does_not_end_the_process(key: bytes | None, chain: bytes | None) -> None:
    await refused_by_a_client(grpc.ssl_channel_credentials(ROOTS, key, chain))


@pytest.mark.parametrize(
    "credentials",
    [
        None,
        server_credentials("a.example"),
        client_credentials(),
        grpc.ssl_channel_credentials(),
        grpc.ssl_channel_credentials(ROOTS + OTHER.authority, KEY, CHAIN),
        grpc.ssl_channel_credentials(SPOILT % (b"CERTIFICATE", b"CERTIFICATE") + ROOTS),
        grpc.ssl_server_credentials([(KEY, CHAIN), (OTHER.private_key, OTHER.certificate)], ROOTS, True),
        grpc.local_channel_credentials(),
        grpc.local_server_credentials(),
        grpc.composite_channel_credentials(client_credentials(), grpc.access_token_call_credentials("token")),
        object(),
    ],
)
def test_what_can_work_is_let_through(credentials: Any) -> None:
    check_tls(credentials)
