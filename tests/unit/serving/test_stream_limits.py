"""Counting streams."""

import grpc
import pytest

from pygorums import StatusError
from pygorums.serving.stream_limits import StreamLimits


def test_in_all() -> None:
    limits = StreamLimits(2, 10)
    first = limits.enter("10.0.0.1:1")
    limits.enter("10.0.0.2:1")
    with pytest.raises(StatusError, match="this server has 2 streams already") as error:
        limits.enter("10.0.0.3:1")
    assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    limits.leave(first)
    limits.enter("10.0.0.3:1")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("10.0.0.1:1", "10.0.0.1:2", True),
        ("10.0.0.1:1", "10.0.0.2:1", False),
        ("[::1]:1", "[::1]:2", True),
        ("[2001:db8::1]:1", "[2001:db8::ffff:2]:1", True),
        ("[2001:db8::1]:1", "[2001:db8:0:1::1]:1", False),
        ("[fe80::1%eth0]:1", "[fe80::2%eth1]:1", True),
        ("[::ffff:10.0.0.1]:1", "10.0.0.1:2", True),
        ("unix:", "unix:", True),
        ("unix:", "10.0.0.1:1", False),
    ],
)
def test_by_address(first: str, second: str, same: bool) -> None:
    """Another port is the same address; of IPv6 a whole network is one."""
    limits = StreamLimits(10, 1)
    origin = limits.enter(first)
    if not same:
        limits.enter(second)
        return
    with pytest.raises(StatusError, match=r"this server has 1 stream from .* already"):
        limits.enter(second)
    limits.leave(origin)
    limits.leave(limits.enter(second))
    assert limits._by_address == {}
