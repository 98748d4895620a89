"""A peer that says what it has to of a session, word by word."""

import re

from pygorums.wire.stream_pb2 import Message
from tests.protos.calls_gorums import ECHO
from tests.protos.calls_pb2 import Text
from tests.support.frames import request
from tests.support.scripted_client import ScriptedClient

__all__ = ["ID", "KEY", "OTHER", "TOKEN", "call", "confirmed", "hello"]

ID = "0123456789abcdef" * 2
TOKEN = "fedcba9876543210" * 2
OTHER = "00112233445566778899aabbccddeeff"
KEY = "pygorums-session"


def hello(attempt: int = 1, token: str = "-", received: int = 0) -> list[tuple[str, str]]:
    return [(KEY, f"1 {ID} {attempt} {token} {received}"), ("pygorums-batch", "1")]


async def confirmed(client: ScriptedClient) -> tuple[str, int]:
    """The token and the count that a server has answered with."""
    match = re.fullmatch(r"1 ([0-9a-f]{32}) ([0-9]+)(?: [0-9]+)?", (await client.initial_metadata())[KEY])
    assert match is not None
    return match[1], int(match[2])


def call(number: int, text: str = "ok") -> Message:
    return request(number, ECHO.name, Text(text=text).SerializeToString())
