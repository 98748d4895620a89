"""Which transport is used, for all that can be asked for."""

import ssl
from typing import Any

import grpc
import pytest

from pygorums.base.errors import ConfigurationError
from pygorums.transports.choosing import VARIABLE, choose

TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
THEIRS = grpc.ssl_channel_credentials()
MAPPED = {"grpc.keepalive_time_ms": 1000, "grpc.max_send_message_length": 5}
FOREIGN = {"grpc.lb_policy_name": "pick_first"}


@pytest.mark.parametrize(
    ("environment", "wanted", "credentials", "options", "expected"),
    [
        (None, None, None, {}, "grpc"),
        (None, None, TLS, {}, "asyncio"),
        (None, None, THEIRS, {}, "grpc"),
        (None, "auto", None, {}, "asyncio"),
        (None, "auto", None, MAPPED, "asyncio"),
        (None, "auto", None, FOREIGN, "grpc"),
        (None, "auto", TLS, {}, "asyncio"),
        (None, "auto", THEIRS, {}, "grpc"),
        (None, "asyncio", None, MAPPED, "asyncio"),
        (None, "asyncio", TLS, {}, "asyncio"),
        (None, "grpc", None, FOREIGN, "grpc"),
        (None, "grpc", THEIRS, {}, "grpc"),
        ("asyncio", None, None, MAPPED, "asyncio"),
        ("asyncio", None, None, FOREIGN, "grpc"),
        ("asyncio", None, THEIRS, {}, "grpc"),
        ("auto", None, None, {}, "asyncio"),
        ("grpc", None, None, {}, "grpc"),
        ("grpc", None, TLS, {}, "asyncio"),
        ("grpc", "asyncio", None, {}, "asyncio"),
        ("asyncio", "grpc", None, {}, "grpc"),
    ],
)
def test_what_is_used(
    monkeypatch: pytest.MonkeyPatch,
    environment: str | None,
    wanted: Any,
    credentials: Any,
    options: dict[str, Any],
    expected: str,
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if environment is not None:
        monkeypatch.setenv(VARIABLE, environment)
    assert choose(wanted, credentials, options) == expected


@pytest.mark.parametrize(
    ("wanted", "credentials", "options", "only_grpc", "text"),
    [
        ("tcp", None, {}, "", "there is no transport 'tcp': there are 'auto', 'asyncio' and 'grpc'"),
        (
            "asyncio",
            THEIRS,
            {},
            "",
            r"cannot use credentials of gRPC \(ChannelCredentials\); give it an ssl.SSLContext",
        ),
        ("asyncio", None, FOREIGN, "", "cannot use the option grpc.lb_policy_name, or use transport='grpc'"),
        ("asyncio", None, {}, "a server of gRPC", "cannot use a server of gRPC, or use transport='grpc'"),
        ("grpc", TLS, {}, "", "cannot use an ssl.SSLContext; .* transport='asyncio'"),
        (None, TLS, FOREIGN, "", "with an ssl.SSLContext there cannot be the option grpc.lb_policy_name"),
        ("auto", TLS, FOREIGN, "", "with an ssl.SSLContext there cannot be the option"),
    ],
)
def test_what_cannot_be(wanted: Any, credentials: Any, options: dict[str, Any], only_grpc: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        choose(wanted, credentials, options, only_grpc=only_grpc)


def test_an_environment_that_names_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "carrier pigeons")
    with pytest.raises(ConfigurationError, match=f"{VARIABLE} is 'carrier pigeons'"):
        choose(None, None, {})
