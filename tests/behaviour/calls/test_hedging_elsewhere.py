"""Calls that ask few nodes first, over connections that break, to the own node, and without servers."""

import math
from contextlib import AsyncExitStack

import pytest

import pygorums as gorums
from pygorums.testing import SILENT, responses
from tests.protos.calls_gorums import ask
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import connected, scripted
from tests.support.peers import PEERS, running
from tests.support.proxy import TcpProxy
from tests.support.waiting import until, within

NEVER = math.inf


@pytest.mark.parametrize(("session", "times"), [(None, 2), (gorums.Session(), 1)])
async def test_only_those_who_were_asked_are_asked_again_on_a_new_stream(
    session: gorums.Session | None, times: int
) -> None:
    """Without a session, that is: in one nobody is asked again."""
    async with scripted(3) as cluster, AsyncExitStack() as stack:
        proxies = [await stack.enter_async_context(TcpProxy(address)) for address in cluster.addresses]
        config = await stack.enter_async_context(connected([proxy.address for proxy in proxies], session=session))
        text = "hold-free:a hold-free:a ok"
        call = ask(config, Text(text=text)).async_majority(hedge=NEVER)
        for service in cluster.services[:2]:
            await service.has_seen(text)
        for proxy in proxies:
            proxy.reset()
        for service in cluster.services[:2]:
            await until(lambda s=service: s.seen.count(text) == times)  # type: ignore[misc]  # mypy sees no default
            service.gates["a"].open()
        await within(call)
        assert [service.seen.count(text) for service in cluster] == [times, times, 0]


async def test_the_own_node_and_peers() -> None:
    async with gorums.local_systems(3, ScriptedCalls) as systems:
        system = systems[0]
        await within(system.wait_for_config(lambda config: len(config) == 3))
        reply = await within(ask(system.config(), Text(text="x")).first(hedge=NEVER, first=[1]))
        assert reply.number == 1
        assert (await within(ask(system.config(), Text(text="fail ok ok")).first(hedge=NEVER, first=[1]))).number != 1
    async with running(ScriptedCalls(1), node_id=1, peers=PEERS) as server:
        assert (await within(ask(server.config(), Text(text="x")).all(hedge=NEVER))).number == 1


async def test_responses_without_servers() -> None:
    reply = Text(text="yes")
    answers = {1: SILENT, 2: OSError("down"), 3: reply, 4: reply, 5: reply}
    assert await within(responses(answers).collect_quorum(hedge=60)) == {3: reply, 4: reply, 5: reply}
    assert await within(responses(answers).majority(hedge=60)) == reply
