"""The code of docs/failures.md, docs/observing.md and docs/plain-grpc.md does what it is said to."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc.aio
import pytest
from google.protobuf.message import Message
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from prometheus_client import CollectorRegistry, generate_latest
from rich.console import Console

import pygorums as gorums
from pygorums.top.readings import Reading, method_rows, server_rows
from pygorums.top.tables import tables
from tests.examples.documents import blocks_of
from tests.examples.programs import free_addresses, refusing_address
from tests.protos.calls_gorums import ask, echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import serving
from tests.support.waiting import within

DOCS = Path(__file__).parents[2] / "docs"
FAILURES = (DOCS / "failures.md").read_text(encoding="utf-8")
OBSERVING = (DOCS / "observing.md").read_text(encoding="utf-8")
PLAIN = (DOCS / "plain-grpc.md").read_text(encoding="utf-8")


class Pieces:
    """The Python of a page, one piece after the other, with our service in place of the page's.

    Args:
        page: Its text.
        instead: What is run for what the page shows.
        names: What the page takes for known.
    """

    def __init__(self, page: str, instead: dict[str, str], **names: Any) -> None:
        self._texts = [block.text for block in blocks_of(page) if block.language == "python"]
        self._instead = {"register.Register": "calls.Calls", "Calls.Read": "Calls.Ask"} | instead
        self.names: dict[str, Any] = {"gorums": gorums, "Register": ScriptedCalls, **names}

    def run(self) -> None:
        """Run the next one; each line must be as it stands there."""
        text = self._texts.pop(0)
        for shown, real in self._instead.items():
            text = text.replace(shown, real)
        exec(compile(text, "the page", "exec"), self.names)  # it is ours, and has to run

    @property
    def left(self) -> int:
        return len(self._texts)

    def __getitem__(self, name: str) -> Any:
        return self.names[name]


async def test_failures() -> None:
    service = ScriptedCalls()
    page = Pieces(FAILURES, {}, add=echo)
    page.run()
    add_somewhere = page["add_somewhere"]
    with refusing_address() as nobody:
        async with serving(service) as address, gorums.connect([nobody, address]) as config:
            await within(config.wait_connected(1))
            assert (await within(add_somewhere(config, Text(text="ok")))).text == "ok"
            with pytest.raises(gorums.StatusError) as refused:
                await within(add_somewhere(config, Text(text="fail")))
            assert refused.value.node_id == 2
            with pytest.raises(gorums.IncompleteError) as failed:
                await within(add_somewhere(config[:1], Text(text="ok")))
            assert failed.value.caused_by(gorums.StreamDownError)
    assert service.seen == ["ok", "fail"]
    assert not page.left


async def test_observing() -> None:
    (address,) = free_addresses(1)
    registry, warnings = CollectorRegistry(), list[str]()
    page = Pieces(
        OBSERVING,
        {"seconds > 0.1": "seconds > 0"},
        addresses=[address],
        prometheus_client=SimpleNamespace(REGISTRY=registry),
        logging=SimpleNamespace(warning=lambda text, *values: warnings.append(text % values)),
    )
    page.run()
    page["config"].stats(), page["server"].stats()  # counting begins
    await within(page["server"].start(address))
    await within(ask(page["config"], Text(text="ok")).all())
    page.run()
    assert page["stats"].streams == 1
    assert page["config"].stats().nodes[1].state == "connected"
    assert page["config"].stats().methods["calls.Calls.Ask"].by_status == {"OK": 1}
    scraped = set(re.findall(r"^# TYPE (\w+) ", generate_latest(registry).decode(), re.MULTILINE))
    table = OBSERVING[OBSERVING.index("| metric | labels |") : OBSERVING.index("The names are those of Open")]
    assert scraped == {name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split(" | ")[0])}
    await within(page["config"].close())
    await within(page["server"].stop())

    page.run()
    await within(page["server"].start(address))
    await within(ask(page["config"], Text(text="ok")).all())
    await within(page["config"].close())
    await within(page["server"].stop())
    assert sorted(re.sub(r"[\d.]+ s", "0 s", text) for text in warnings) == [
        "a call of calls.Calls.Ask took 0 s: OK",
        "a request for calls.Calls.Ask took 0 s: OK",
    ]
    assert not page.left


def test_the_live_table_has_these_columns() -> None:
    shown = next(block.text for block in blocks_of(OBSERVING) if block.language == "text")
    console = Console(width=120)
    with console.capture() as printed:
        console.print(tables(server_rows([], Reading(0), None), method_rows(Reading(0), None)))
    heads = [line.split() for line in printed.get().splitlines() if line.strip()]
    assert [line.split() for line in shown.splitlines() if line.startswith(("server ", "method "))] == heads


async def called(address: str, path: str, request: Message, reply: type[Message]) -> Any:
    async with grpc.aio.insecure_channel(address) as channel:
        call: Any = channel.unary_unary(path, type(request).SerializeToString, reply.FromString)
        return await within(call(request))


async def test_plain_grpc() -> None:
    first, second, third = free_addresses(3)
    page = Pieces(PLAIN, {"0.0.0.0:9000": first, "10.0.0.1:9000": second}, peers={1: second, 2: third})
    page.run()
    server, system = page["server"], page["system"]
    async with server, system:
        for path in re.findall(r"[ /]register\.Register/(\w+)$", PLAIN, re.MULTILINE):
            assert path == "Read"
            assert (await called(first, "/calls.Calls/Ask", Text(text="ok"), Text)).text == "ok"
        page.run()
        assert server.health == {"": True, "calls.Calls": True}
        health, request = "/grpc.health.v1.Health/Check", HealthCheckRequest(service="calls.Calls")
        assert (await called(first, health, request, HealthCheckResponse)).status == HealthCheckResponse.SERVING
        assert (await called(second, health, request, HealthCheckResponse)).status == HealthCheckResponse.NOT_SERVING
    assert not page.left
