"""The counter example as a program: cut connections, and a server that is killed, leave it right."""

import re
from pathlib import Path

import pytest

from examples.counter.__main__ import count
from examples.counter.server import Counter
from tests.examples.programs import run_module
from tests.support.cluster import serving
from tests.support.waiting import within

NUMBER = r"(\d+)"
SHOWN = re.compile(
    rf"without sessions: 200 of 200 added, {NUMBER} connections cut, counted {NUMBER}\n"
    rf"with sessions: 200 of 200 added, {NUMBER} connections cut, counted {NUMBER}\n"
    rf"killed: {NUMBER} of 200 added, {NUMBER} certainly not, {NUMBER} unknown, counted {NUMBER}\n"
    rf"and those that were missing: counted {NUMBER}\n"
)


def test_the_demonstration() -> None:
    done = run_module("examples.counter", "--times", "200")
    assert (done.returncode, done.stderr) == (0, "")
    shown = SHOWN.fullmatch(done.stdout)
    assert shown is not None, done.stdout
    cut_without, without, cut, once, added, not_added, unknown, counted, made_up = map(int, shown.groups())
    assert min(cut_without, cut) > 2
    assert without >= 200
    assert once == 200
    assert added + not_added + unknown == 200
    assert added <= counted <= added + unknown
    assert made_up == 200


async def test_counting_on_at_a_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counter = Counter(tmp_path / "additions")
    async with serving(counter) as address:
        for goal in ("20", "40"):
            await within(count(address, 20))
            assert capsys.readouterr().out == f"{goal}\n"
    counter.close()
    again = Counter(tmp_path / "additions")
    async with serving(again) as address:
        await within(count(address, 2))
    again.close()
    assert capsys.readouterr().out == "42\n"
