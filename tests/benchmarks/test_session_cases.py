"""Cases of what sessions cost: how they are judged, and that calls with and without one take turns."""

import pytest

import pygorums as gorums
from benchmarks.benchmark_gorums import quorum_call
from benchmarks.benchmark_pb2 import Echo
from benchmarks.loads.outcome import Load, Outcome
from benchmarks.loads.tasks import closed_loop
from benchmarks.measuring.measurement import Measurement
from benchmarks.measuring.options import Options
from benchmarks.measuring.usage import Usage
from benchmarks.reach import sessions
from benchmarks.reach.sessions import in_turns, judged
from benchmarks.servers.service import BenchmarkImpl
from benchmarks.statistics.latency import Latency
from tests.support.waiting import within


def run(cpu: float, p50: float, throughput: float = 1000.0) -> Measurement:
    return Measurement(throughput, Latency(p50, 0.0, p50, None, None), cpu / 4, cpu * 3 / 4, 0, None, None)


@pytest.mark.parametrize(
    ("cpu", "p50", "waited_for", "reached"),
    [
        (1.03, 1.02, True, True),
        (1.05, 1.00, True, False),
        (1.00, 1.05, True, False),
        (1.00, 1.05, False, True),
    ],
)
def test_judged(cpu: float, p50: float, waited_for: bool, reached: bool) -> None:
    figure = judged([run(cpu * 1e-4, p50 * 1e-4)], [run(1e-4, 1e-4)], waited_for=waited_for)
    assert figure.reached is reached
    assert figure.text == f"{1 / cpu:.3f} in processor time; {p50:.3f} × 100 µs; 1.00 × calls/s"


class _Silent:
    ours = False

    async def usage(self) -> list[Usage]:
        raise AssertionError("it does not tell")


async def test_both_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "TURNS", 4)
    order: list[bool] = []
    server = gorums.Server(BenchmarkImpl(), transport="asyncio")
    address = await server.start("127.0.0.1:0")

    def load(config: gorums.Configuration, *, kept: bool) -> Load:
        async def measured(seconds: float) -> Outcome:
            order.append(kept)
            return await closed_loop(lambda: quorum_call(config, Echo()).first(), 2, seconds)

        return measured

    async with (
        gorums.connect([address], transport="asyncio", session=gorums.Session()) as kept,
        gorums.connect([address], transport="asyncio", session=None) as unkept,
    ):
        loads = load(kept, kept=True), load(unkept, kept=False)
        ours, others = await within(in_turns(*loads, _Silent(), Options(seconds=0.04, warmup=0.01, rounds=1)))
    await server.stop()
    assert order[2:] == [True, False, False, True] * 2
    assert len(ours) == len(others) == 4
    assert all(run.throughput > 0 for run in (*ours, *others))
