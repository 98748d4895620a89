"""Which messages of a session need credit."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from pygorums.sessions.credit import Credit
from pygorums.sessions.kept import Kept
from pygorums.streams.crediting import credit_of_acceptor, credit_of_opener
from pygorums.streams.outgoing import CANCELLATION, UNOWNED, Outgoing
from pygorums.wire.framing import LAST_CALL, SERVER_INITIATED, Message, encode_cancel, encode_message, method_field
from pygorums.wire.timeouts import timeout_field

NAME = method_field("a.B.C")
CALL = encode_message(7, NAME, b"x")
CALL_BACK = encode_message(SERVER_INITIATED | 7, NAME, b"x")


@pytest.mark.parametrize(
    ("frame", "owner", "by_opener", "by_acceptor"),
    [
        (CALL, UNOWNED, True, False),
        (CALL_BACK, UNOWNED, False, True),
        (encode_message(SERVER_INITIATED - 1, NAME, b"\xff" * 20), UNOWNED, True, False),
        (encode_message(SERVER_INITIATED, NAME, b""), UNOWNED, False, True),
        (encode_message(0, NAME, b"\xff" * 20), UNOWNED, True, False),
        (encode_cancel(7), CANCELLATION, False, False),
        (encode_cancel(SERVER_INITIATED | 7), CANCELLATION, False, False),
        (LAST_CALL, UNOWNED, True, False),
        (LAST_CALL, CANCELLATION, True, False),
    ],
)
def test_only_an_ends_own_requests_do(frame: bytes, owner: Outgoing, by_opener: bool, by_acceptor: bool) -> None:
    for credit_of, needs in (credit_of_opener, by_opener), (credit_of_acceptor, by_acceptor):
        kept: Kept[Outgoing] = Kept(1000)
        kept.wrote([b"before"], [UNOWNED], 6)
        credit: Credit[Outgoing] = credit_of(kept, 0)
        assert len(credit.sift([frame], [owner], kept)[0]) == (not needs)


@dataclass
class Call:
    frame: bytes
    timeout: float | None
    sent_at: float
    one_way: bool = False
    withdrawn: bool = False
    told: list[Any] = field(default_factory=list)


async def test_what_had_to_wait_tells_the_time_that_is_left() -> None:
    now = asyncio.get_running_loop().time()
    kept: Kept[Any] = Kept(10_000)
    kept.wrote([b"before"], [UNOWNED], 518)
    credit = credit_of_opener(kept, 600)
    calls: list[Any] = [
        Call(encode_message(1, NAME, b"x", timeout_field(10.0)), 10.0, now - 4),
        Call(encode_message(2, NAME, b"x", timeout_field(10.0)), 10.0, now),
        Call(encode_message(3, NAME, b"x"), None, now - 4),
        Call(encode_message(4, NAME, b"x"), 10.0, now - 4, one_way=True),
    ]
    frames, _ = credit.sift([call.frame for call in calls], [*calls], kept)
    assert frames == []
    credit.tell(10_000)
    frames, owners = credit.sift((), (), kept)
    assert list(map(id, owners)) == list(map(id, calls))
    assert frames[1:] == [call.frame for call in calls[1:]]
    (entry,) = Message.FromString(frames[0]).entry
    assert entry.key == "grpc-timeout"
    assert 5_000_000 < int(entry.value.removesuffix("u")) <= 6_000_000
