"""What options of gRPC mean on asyncio's sockets."""

from typing import Any

import pytest

from pygorums.base.errors import ConfigurationError
from pygorums.transports.http2.limits import DEFAULT, Limits
from pygorums.transports.sockets.options import Pings, SocketOptions

UNLIMITED = Limits(max_message=(1 << 32) - 1, max_partial=(1 << 32) - 1)


@pytest.mark.parametrize(
    ("given", "server", "expected"),
    [
        ({}, False, SocketOptions()),
        ({}, True, SocketOptions(pings=Pings(20, 20))),
        ({"grpc.keepalive_time_ms": 500}, False, SocketOptions(pings=Pings(0.5, 20))),
        ({"grpc.keepalive_time_ms": 0}, True, SocketOptions()),
        (
            {"grpc.keepalive_time_ms": 500, "grpc.http2.ping_timeout_ms": 250},
            True,
            SocketOptions(pings=Pings(0.5, 0.25)),
        ),
        ({"grpc.max_receive_message_length": 7}, False, SocketOptions(limits=Limits(max_message=7))),
        ({"grpc.max_receive_message_length": -1}, False, SocketOptions(limits=UNLIMITED)),
        ({"grpc.max_metadata_size": 999}, False, SocketOptions(limits=Limits(max_header_list=999))),
        ({"grpc.primary_user_agent": "me/1"}, False, SocketOptions(user_agent="me/1 pygorums")),
        ({"grpc.default_authority": "here"}, False, SocketOptions(authority="here")),
        ({"grpc.ssl_target_name_override": "there"}, False, SocketOptions(server_name="there")),
    ],
)
def test_what_they_mean(given: dict[str, Any], server: bool, expected: SocketOptions) -> None:
    assert SocketOptions.of(given, server=server) == expected
    assert DEFAULT.max_message == 4 << 20


@pytest.mark.parametrize("given", [{"grpc.keepalive_time_ms": "often"}, {"grpc.max_metadata_size": 0}])
def test_what_means_nothing(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"grpc.keepalive_time_ms is a whole number|max_header_list must be"):
        SocketOptions.of(given, server=False)
