"""Messages leave during the call, and reach a node in the order of the calls, whatever is awaited when."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster, connected
from tests.support.waiting import within

# Every way to send that sends during the call, to all nodes of a configuration.
SENDERS: dict[str, Callable[[gorums.Configuration, Text], list[Awaitable[object]]]] = {
    "rpc": lambda config, text: [echo(node, text) for node in config],
    "unicast": lambda config, text: [note(node, text) for node in config],
    "multicast": lambda config, text: [spread(config, text)],
    "async_first": lambda config, text: [ask(config, text).async_first()],
    "async_majority": lambda config, text: [ask(config, text).async_majority()],
    "async_all": lambda config, text: [ask(config, text).async_all()],
    "async_threshold": lambda config, text: [ask(config, text).async_threshold(2)],
    "correctable": lambda config, text: [ask(config, text).correctable(3).wait()],
    "streaming": lambda config, text: [follow(config, text).correctable(3).wait()],
}


async def test_calls_of_all_types_arrive_in_order(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 222, 224, 234."""
    expected, results = [], []
    for n in range(20):
        for name, send in SENDERS.items():
            text = Text(text=f"{name} {n}", number=1)
            results += send(three.config, text)
            expected.append(text.text)
    random.Random(1).shuffle(results)
    await within(asyncio.gather(*results))
    for service in three:
        await service.has_seen_count(len(expected))
        assert service.seen == expected


async def test_quorum_calls_awaited_one_after_the_other(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 222."""
    for n in range(50):
        await within(ask(three.config, Text(text=str(n))).first())
    for service in three:
        await service.has_seen_count(50)
        assert service.seen == [str(n) for n in range(50)]


async def test_calls_made_before_the_stream_is_open_arrive_in_order(one: Cluster[ScriptedCalls]) -> None:
    async with gorums.connect(one.addresses) as config:
        calls = [echo(config[0], Text(text=str(n))) for n in range(50)]
        assert not config[0].connected
        await within(asyncio.gather(*calls))
        assert one.service.seen == [str(n) for n in range(50)]


async def test_large_and_small_messages_keep_their_order(one: Cluster[ScriptedCalls]) -> None:
    sizes = [random.Random(n).choice([0, 10, 10_000, 1_500_000]) for n in range(60)]
    calls = [echo(one.node, Text(text=str(n), data=bytes(size))) for n, size in enumerate(sizes)]
    replies = await within(asyncio.gather(*calls))
    assert [len(reply.data) for reply in replies] == sizes
    assert one.service.seen == [str(n) for n in range(60)]


async def test_each_client_has_its_own_order(one: Cluster[ScriptedCalls]) -> None:
    async with connected(one.addresses) as a, connected(one.addresses) as b:
        calls = [echo(config[0], Text(text=f"{name}{n}")) for n in range(50) for name, config in (("a", a), ("b", b))]
        await within(asyncio.gather(*calls))
    for name in "ab":
        assert [text for text in one.service.seen if text[0] == name] == [f"{name}{n}" for n in range(50)]
