"""Whatever a stream is refused with, or ended at once: the node is down, at the first attempt."""

import functools

import grpc
import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, follow, note
from tests.protos.calls_pb2 import Text
from tests.support.http2_server import Answer, Connection, Http2Server
from tests.support.waiting import within

OK = (":status", "200"), ("content-type", "application/grpc")
CODES = [code.value[0] for code in grpc.StatusCode]
# Seconds that "at once" may take on a loaded machine; far less than any timeout of a transport.
AT_ONCE = 4.0


def refused(code: int, connection: Connection, stream: int) -> None:
    connection.respond(stream, *OK, ("grpc-status", str(code)), ("grpc-message", "no"), end=True)


def ended(code: int, connection: Connection, stream: int) -> None:
    connection.respond(stream, *OK)
    connection.respond(stream, ("grpc-status", str(code)), ("grpc-message", "no"), end=True)


def reset(code: int, connection: Connection, stream: int) -> None:
    connection.reset(stream, code)


def reset_later(code: int, connection: Connection, stream: int) -> None:
    connection.respond(stream, *OK)
    connection.reset(stream, code)


def sent_away(code: int, connection: Connection, stream: int) -> None:
    connection.go_away(0, code)
    connection.close()


def sent_away_at_once(code: int, connection: Connection, stream: int) -> None:
    connection.go_away(stream, code)
    connection.reset(stream, 8)


def page(status: int, connection: Connection, stream: int) -> None:
    connection.respond(stream, (":status", str(status)), ("content-type", "text/html"), end=True)


WAYS = [
    *((refused, code) for code in CODES),
    *((ended, code) for code in CODES),
    *((reset, code) for code in range(15)),
    *((reset_later, code) for code in (0, 2, 7, 8, 11)),
    *((sent_away, code) for code in (0, 1, 2, 7, 8, 11)),
    *((sent_away_at_once, code) for code in (0, 2, 11)),
    *((page, status) for status in (204, 302, 400, 401, 403, 404, 429, 500, 502, 503, 504)),
]


@pytest.mark.parametrize(
    "way", [pytest.param(functools.partial(way, code), id=f"{way.__name__} {code}") for way, code in WAYS]
)
async def test_a_node_that_refuses_is_down_at_the_first_attempt(way: Answer) -> None:
    async with Http2Server(way) as server:
        config = gorums.connect([server.address], backoff=gorums.Backoff(initial=600, maximum=600))
        try:
            for call in (echo(config[0], Text()), note(config[0], Text()), ask(config, Text()).all()):
                with pytest.raises(gorums.GorumsError):
                    await within(call, AT_ONCE)
            with pytest.raises(gorums.GorumsError):
                await within(follow(config, Text()).first(), AT_ONCE)
            assert server.address in str(config[0].last_error)
            assert not config[0].connected
            assert config[0].pending == 0
        finally:
            await within(config.close())


async def test_a_node_that_hangs_up_every_time_is_down() -> None:
    """Once may be mere chance: what was not answered is sent again then."""

    def hang_up(connection: Connection, stream: int) -> None:
        connection.close()

    async with Http2Server(hang_up) as server:
        config = gorums.connect([server.address], backoff=gorums.Backoff(initial=0.01, maximum=0.01))
        try:
            with pytest.raises(gorums.StreamDownError):
                await within(echo(config[0], Text()), AT_ONCE)
        finally:
            await within(config.close())
