"""What a server answers to frames that are right, and to frames that are not: RFC 9113 and RFC 7541 as tables.

Each case is what a client writes after its preface and SETTINGS, and what has to come back: nothing wrong, the reset of
a stream after which the connection goes on, a status of HTTP or gRPC, or the end of the connection.
"""

from __future__ import annotations

import pytest

from pygorums.transports.http2.codes import ErrorCode
from pygorums.transports.http2.limits import Limits
from pygorums.transports.http2.server import ServerConnection
from tests.unit.transports.http2 import cases_of_fields, cases_of_frames
from tests.unit.transports.http2.cases import Answer, Case, Ended, Fine, Reset
from tests.unit.transports.http2.raw import GOAWAY, HEADERS, PATH, PING, RST_STREAM, Reader, frame, receive

LIMITS = Limits(max_frame=16_384, max_streams=3, stream_window=65_535, connection_window=65_535)
CASES = cases_of_frames.CASES + cases_of_fields.CASES


def test_there_is_a_case_for_each_rule() -> None:
    assert len(CASES) > 150
    assert len({(case.section, case.name) for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.section}: {case.name}")
def test_the_server_answers_as_the_rfc_says(case: Case) -> None:
    raw = case.opening + case.written
    _check(case, [raw])
    if len(raw) < 1000:  # more calls would take long
        _check(case, [raw[at : at + 1] for at in range(len(raw))])
    else:
        _check(case, [raw[:31], raw[31:100], raw[100:5000], raw[5000:]])


def _check(case: Case, pieces: list[bytes]) -> None:
    server = ServerConnection({PATH}, limits=LIMITS)
    reader = Reader(server)
    for piece in pieces:
        server.receive(piece, 0.0)
    frames = reader.take()
    ends = [found for found in frames if found.kind == GOAWAY]
    resets = {found.stream: int.from_bytes(found.payload, "big") for found in frames if found.kind == RST_STREAM}
    answers = {found.stream: reader.fields(found) for found in frames if found.kind == HEADERS}
    if isinstance(case.expected, Ended):
        assert [ErrorCode(int.from_bytes(found.payload[4:8], "big")) for found in ends] == [case.expected.code]
        assert server.ended
        receive(server, frame(PING, 0, 0, b"deafdeaf"))
        assert not reader.take()
        return
    assert not ends, ends[0].payload
    if isinstance(case.expected, Reset):
        assert resets == {case.expected.stream: case.expected.code}
    else:
        assert not resets
    if isinstance(case.expected, Fine):
        assert {found.kind for found in frames} >= set(case.expected.kinds)
    if isinstance(case.expected, Answer):
        assert answers[1].items() >= case.expected.fields.items()
    receive(server, frame(PING, 0, 0, b"inpeace."))
    assert any(found.kind == PING and found.payload == b"inpeace." for found in reader.take())
