"""Whether an acceptor that says nothing will: what the answer to a question beside the stream means, or none."""

import asyncio
from unittest.mock import Mock

import pytest

from pygorums.transports.http2.client import ClientConnection
from pygorums.transports.http2.events import StreamEnded
from pygorums.transports.http2.faults import CannotOpenError
from pygorums.transports.http2.metadata import Pairs
from pygorums.transports.http2.status import Code, Status
from pygorums.transports.sockets.probe import Probe
from pygorums.wire.handshake import CONFIRMS


@pytest.mark.parametrize(
    ("code", "trailers", "will"),
    [
        (Code.UNIMPLEMENTED, CONFIRMS, True),
        (Code.OK, CONFIRMS, True),
        (Code.UNIMPLEMENTED, (), False),
        (Code.OK, (), False),
        (Code.NOT_FOUND, (("pygorums-confirms", "0"),), False),
        (Code.UNAVAILABLE, (), True),
    ],
)
async def test_only_who_answers_can_say_no(code: Code, trailers: Pairs, will: bool) -> None:
    probe = Probe()
    probe.over(StreamEnded(None, Status(code, ""), trailers))
    assert probe.answered.result() is will


async def test_nobody_is_asked_over_a_connection_that_ends() -> None:
    """It takes no new streams. What becomes of the one that there is will be known soon."""
    http2 = Mock(spec=ClientConnection)
    http2.open.side_effect = CannotOpenError("the server is stopping")
    probe = Probe()
    probe.ask(http2)
    assert await asyncio.wait_for(probe.answered, 1)
