"""What Prometheus scrapes."""

from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

import pygorums as gorums
from pygorums import telemetry
from tests.protos.calls_gorums import ask, echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import connected, scripted
from tests.support.waiting import until, within


class Scrape:
    """What a registry tells, as Prometheus reads it."""

    def __init__(self, *sources: Any) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(telemetry.collector(*sources))

    def samples(self) -> dict[str, list[tuple[dict[str, str], float]]]:
        """Labels and values by name; no name has the same labels twice."""
        found: dict[str, list[tuple[dict[str, str], float]]] = {}
        for family in text_string_to_metric_families(generate_latest(self._registry).decode()):
            for sample in family.samples:
                labels = [each for each, _ in found.setdefault(sample.name, [])]
                assert sample.labels not in labels
                found[sample.name].append((sample.labels, sample.value))
        return found


async def test_durations_of_calls_and_requests() -> None:
    async with scripted(3) as cluster:
        scrape = Scrape(cluster.config, *cluster.servers)
        for _ in range(3):
            await ask(cluster.config, Text(text="ok")).all()
        with pytest.raises(gorums.StatusError):
            await echo(cluster.node, Text(text="fail"))
        samples = scrape.samples()
    ok = {
        "rpc_system_name": "gorums",
        "rpc_method": "calls.Calls/Ask",
        "rpc_response_status_code": "OK",
        "error_type": "",
    }
    failed = {
        **ok,
        "rpc_method": "calls.Calls/Echo",
        "rpc_response_status_code": "FAILED_PRECONDITION",
        "error_type": "FAILED_PRECONDITION",
    }
    assert samples["rpc_client_call_duration_seconds_count"] == [(ok, 3), (failed, 1)]
    assert samples["rpc_server_call_duration_seconds_count"] == [(ok, 9), (failed, 1)]
    assert 0 < samples["rpc_client_call_duration_seconds_sum"][0][1] < 30
    buckets = {
        labels.pop("le"): value
        for labels, value in samples["rpc_client_call_duration_seconds_bucket"]
        if labels["rpc_method"] == "calls.Calls/Ask"
    }
    assert len(buckets) == 22
    assert (buckets["1e-05"], buckets["50.0"], buckets["+Inf"]) == (0, 3, 3)
    assert list(buckets.values()) == sorted(buckets.values())


async def test_nodes_and_servers() -> None:
    async with scripted(1) as cluster:
        async with connected(cluster.addresses) as other:
            # Two configurations of one node are told of as one.
            scrape = Scrape(cluster.config, other, cluster.servers[0])
            await echo(cluster.node, Text(text="ok"))
            future = ask(other, Text(text="hold:here")).async_all()
            await cluster.service.gates["here"].arrivals()
            samples = scrape.samples()
            cluster.service.open_all()
            await within(future)
        node = {"node_id": "1", "server_address": cluster.addresses[0], "direction": "outbound"}
        assert samples["pygorums_node_connected"] == [(node, 1)]
        assert samples["pygorums_node_pending_calls"] == [(node, 1)]
        assert samples["pygorums_node_queued_bytes"] == [(node, 0)]
        assert samples["pygorums_node_reconnects_total"] == [(node, 0)]
        assert samples["pygorums_node_latency_seconds"][0][1] > 0
        assert samples["pygorums_server_streams"] == [({}, 2)]
        assert samples["pygorums_server_running_handlers"] == [({}, 1)]
        assert samples["pygorums_server_held_bytes"][0][1] > 0


async def test_systems() -> None:
    async with gorums.local_systems(2, ScriptedCalls) as systems:
        scrape = Scrape(systems[0])
        await systems[0].wait_for_config(lambda config: len(config) == 2, timeout=10)
        await within(ask(systems[0].outbound, Text(text="ok")).all())
        await within(ask(systems[0].config(), Text(text="ok")).all())
        await until(lambda: scrape.samples()["rpc_server_call_duration_seconds_count"][0][1] == 2)
        samples = scrape.samples()
    assert samples["rpc_client_call_duration_seconds_count"][0][1] == 2
    directions = [(labels["node_id"], labels["direction"]) for labels, _ in samples["pygorums_node_connected"]]
    assert directions == [("1", "outbound"), ("2", "outbound"), ("2", "inbound")]


async def test_a_system_that_is_not_started() -> None:
    system = gorums.System("127.0.0.1:0", ScriptedCalls(), node_id=1, peers=["127.0.0.1:1"])
    assert Scrape(system).samples()["pygorums_server_streams"] == [({}, 0)]
    await system.stop()


def test_the_blocking_facade() -> None:
    server = gorums.sync.Server(ScriptedCalls())
    with gorums.sync.connect([server.start("127.0.0.1:0")]) as config:
        scrape = Scrape(config, server)
        echo(config[0], Text(text="ok"))
        samples = scrape.samples()
    server.stop()
    assert samples["rpc_client_call_duration_seconds_count"][0][1] == 1
    assert samples["rpc_server_call_duration_seconds_count"][0][1] == 1


async def test_what_has_no_metrics_is_refused() -> None:
    async with scripted(1) as cluster:
        for wrong in (cluster.node, cluster.service, None):
            with pytest.raises(TypeError, match="collected from configurations, servers and systems, not from"):
                telemetry.collector(wrong)
