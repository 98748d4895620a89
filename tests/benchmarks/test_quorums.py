"""The benchmark of quorums and hedging runs."""

import asyncio

import pytest

from benchmarks.quorums.__main__ import CALLERS, _measure


def test_it_tells_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(_measure(CALLERS, 1, 0.001))
    lines = capsys.readouterr().out.splitlines()
    kinds = ["all at once", "a bare majority", "hedged after 4 ms", "the same, by a system", 'hedged by "p95"']
    assert [line[:24].rstrip() for line in lines[3:8]] == kinds
    assert lines[3].split()[3] == "5.00"
    assert "one of the first refuses" in lines[9]
    assert "throughput × majority()" in lines[11]
