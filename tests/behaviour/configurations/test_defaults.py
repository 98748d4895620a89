"""Defaults that a configuration brings to the calls that are made to it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, follow, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster, connected
from tests.support.waiting import within


def append(letter: str) -> Any:
    """An interceptor that leaves its mark on requests and replies."""

    def mark(call: gorums.Call[Text, Text], responses: AsyncIterator[Any]) -> AsyncIterator[Any]:
        call.map_request(lambda request, node: Text(text=request.text + letter, number=request.number))
        return responses

    return mark


async def test_a_timeout(three: Cluster[ScriptedCalls]) -> None:
    hasty = three.config.with_defaults(timeout=0.2)
    with pytest.raises(gorums.QuorumTimeoutError):
        await within(ask(hasty, Text(text="silent")).first())
    assert set(await within(ask(hasty, Text(text="ok silent ok")).collect_all())) <= {1, 3}
    held = ask(hasty, Text(text="hold-free:x"), timeout=60).async_all()
    with pytest.raises(gorums.QuorumTimeoutError):
        await within(ask(hasty, Text(text="silent")).first())
    assert not held.done(), "a call's own timeout comes first"
    for service in three:
        service.gates["x"].open()
    await within(held)


async def test_metadata_come_before_those_of_the_call(one: Cluster[ScriptedCalls]) -> None:
    config = one.config.with_defaults(metadata={"key": "default"}).with_defaults(metadata=[("key", "more")])
    await within(ask(config, Text(text="a")).first())
    await within(ask(config, Text(text="b"), metadata={"key": "call"}).first())
    await within(spread(config, Text(text="c"), metadata=iter([("key", "one-way")])))
    await one.service.has_seen("c")
    assert [ctx.metadata.get_all("key") for ctx in one.service.contexts] == [
        ("default", "more"),
        ("default", "more", "call"),
        ("default", "more", "one-way"),
    ]


async def test_interceptors_from_the_inside_out(one: Cluster[ScriptedCalls]) -> None:
    """Those of the connection, then those of the configuration, then those of the call.

    Rows: 245, 250.
    """
    async with connected(one.addresses, interceptors=[append("a"), append("b")]) as config:
        with_more = config.with_defaults(interceptors=[append("c")]).with_defaults(interceptors=[append("d")])
        reply = await within(ask(with_more, Text(text="1"), interceptors=[append("e"), append("f")]).first())
        assert reply.text == "1abcdef"
        assert (await within(ask(config, Text(text="2"), interceptors=[append("e")]).first())).text == "2abe"
        assert (await within(ask(with_more, Text(text="3")).first())).text == "3abcd"
        await within(spread(with_more, Text(text="4")))
        await one.service.has_seen("4abcd")
        replies = await within(follow(with_more, Text(text="5", number=1)).collect_all())
        assert replies[1].text == "5abcd"
        assert (await within(echo(with_more[0], Text(text="6")))).text == "6ab", "a node has no configuration"


async def test_they_go_with_what_is_derived(three: Cluster[ScriptedCalls]) -> None:
    config = three.config.with_defaults(interceptors=[append("!")])
    for derived in (
        config[1:],
        config.remove(1),
        config[:1].add(2),
        config | three.config,
        config - three.config[:1],
        config & three.config,
        config.sort_by(gorums.latency),
        config.without_errors(gorums.QuorumCallError("m", {1: OSError()})),
        config[:0] | three.config[:1].with_defaults(interceptors=[append("!")]),
    ):
        assert (await within(ask(derived, Text(text="x")).all())).text == "x!"
    assert (await within(ask(three.config, Text(text="x")).all())).text == "x", "the original has none"


async def test_they_make_no_other_configuration(three: Cluster[ScriptedCalls]) -> None:
    config = three.config.with_defaults(timeout=1)
    assert config == three.config
    assert hash(config) == hash(three.config)
    assert config[0] is three.config[0]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"timeout": "1"}, "timeout must be seconds"),
        ({"timeout": float("nan")}, "finite"),
        ({"metadata": {"Key": "x"}}, "lower-case"),
        ({"metadata": {"key": 1}}, "strings"),
        ({"interceptors": append("x")}, "interceptors must be a list"),
    ],
)
async def test_what_cannot_be_a_default(one: Cluster[ScriptedCalls], wrong: dict[str, Any], why: str) -> None:
    """Said at once, and not by each call."""
    with pytest.raises((TypeError, ValueError), match=why):
        one.config.with_defaults(**wrong)
