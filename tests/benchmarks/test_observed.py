"""Cases of calls that are observed: they run, and look and look away; no figure is compared with anything."""

import pytest

from benchmarks.measuring.options import Options
from benchmarks.reach import observed
from benchmarks.reach.observed import OBSERVED, _observed, _ratios
from tests.support.waiting import within

OPTIONS = Options(seconds=0.02, warmup=0.01, rounds=1, transport="asyncio")


async def test_observers_look_and_look_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observed, "CALLERS", 2)
    monkeypatch.setattr(observed, "TURNS", 1)
    async with _observed(2, "asyncio", counted=True) as cluster:
        assert {*await within(_ratios(cluster, OPTIONS))} == {"quorum calls", "RPCs"}
        cluster.look(at_all=True)
        before = cluster.config.stats().methods["benchmark.Benchmark.QuorumCall"].count
        cluster.look(at_all=False)
        await within(_ratios(cluster, OPTIONS))
        assert cluster.config.stats().methods["benchmark.Benchmark.QuorumCall"].count > before


async def test_spans_and_scrapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observed, "ABANDONED", 100)
    monkeypatch.setattr(observed, "SCRAPED_NODES", 3)
    cases = {case.name: case for case in OBSERVED}
    figure = await within(cases["abandoned-spans"].measure(OPTIONS), 30.0)
    assert figure.reached, figure.text
    assert figure.text.startswith("0 of ")
    figure = await within(cases["scrape"].measure(OPTIONS), 30.0)
    assert figure.details["seconds"] > 0
