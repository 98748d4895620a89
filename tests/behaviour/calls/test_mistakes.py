"""Mistakes with arguments and objects, and what is said of them, in both worlds."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import pygorums as gorums
from tests.protos import calls_gorums
from tests.protos.calls_pb2 import Text
from tests.support.cluster import QUICK, scripted
from tests.support.nowhere import NOWHERE, unreachable
from tests.support.waiting import until, within

ask: Any = calls_gorums.ask
echo: Any = calls_gorums.echo
note: Any = calls_gorums.note
spread: Any = calls_gorums.spread

WITH_INTERCEPTORS: dict[str, Callable[[Any, Any], Any]] = {
    "rpc": lambda config, given: echo(config[0], Text(), interceptors=given),
    "unicast": lambda config, given: note(config[0], Text(), interceptors=given),
    "multicast": lambda config, given: spread(config, Text(), interceptors=given),
    "quorum call": lambda config, given: ask(config, Text(), interceptors=given),
    "defaults": lambda config, given: config.with_defaults(interceptors=given),
    "beside defaults": lambda config, given: ask(
        config.with_defaults(interceptors=[passing]), Text(), interceptors=given
    ),
}


def passing(call: Any, responses: Any) -> Any:
    return responses


@pytest.mark.parametrize("name", WITH_INTERCEPTORS)
@pytest.mark.parametrize(
    ("given", "text"),
    [
        (passing, r"interceptors must be a list, not <function passing .*>; write \[f\] for a single one"),
        (["text"], "an interceptor must be a function, not 'text'"),
        ("text", "an interceptor must be a function, not 't'"),
    ],
)
async def test_interceptors_that_are_none(name: str, given: Any, text: str) -> None:
    async with unreachable(2) as config:
        with pytest.raises(TypeError, match=text):
            WITH_INTERCEPTORS[name](config, given)
    with pytest.raises(TypeError, match=text):
        gorums.connect(NOWHERE[:2], interceptors=given)


@pytest.mark.parametrize("name", [name for name in WITH_INTERCEPTORS if name != "defaults"])
def test_interceptors_that_are_none_without_asyncio(name: str) -> None:
    with (
        gorums.sync.connect(NOWHERE[:2]) as config,
        pytest.raises(TypeError, match=r"write \[f\] for a single one"),
    ):
        WITH_INTERCEPTORS[name](config, passing)


WRONG_NODES: list[tuple[Any, str]] = [
    ({"127.0.0.1:9", "127.0.0.1:10"}, "nodes must be in an order.* and not a set"),
    (frozenset({"127.0.0.1:9"}), "nodes must be in an order"),
    (None, "nodes must be a list of addresses, or a mapping from IDs to addresses, not None"),
    (7, "nodes must be a list of addresses, or a mapping from IDs to addresses, not 7"),
]


@pytest.mark.parametrize(("nodes", "text"), WRONG_NODES)
async def test_nodes_that_are_none(nodes: Any, text: str) -> None:
    with pytest.raises(gorums.ConfigurationError, match=text):
        gorums.connect(nodes)
    async with unreachable(2) as config:
        with pytest.raises(gorums.ConfigurationError, match=text):
            config.extend(nodes)
    if nodes is not None:
        with pytest.raises(gorums.ConfigurationError, match=text):
            gorums.Server(node_id=1, peers=nodes)


@pytest.mark.parametrize(("nodes", "text"), WRONG_NODES)
def test_nodes_that_are_none_without_asyncio(nodes: Any, text: str) -> None:
    with pytest.raises(gorums.ConfigurationError, match=text):
        gorums.sync.connect(nodes)


async def test_removing_an_unknown_node() -> None:
    async with unreachable(3) as config:
        for unknown in (7, config[0]):
            node: Any = unknown
            with pytest.raises(gorums.ConfigurationError, match=r"there is no node .*: .* are to nodes 1, 2, 3$"):
                config.remove(node)
            with pytest.raises(gorums.ConfigurationError, match=r"there is no node .* 1, 2, 3; use extend"):
                config.add(node)
            with pytest.raises(KeyError, match=r"there is no node .* in this configuration, which has node 2"):
                config[1:2].node(node)
        assert config[:2].remove(3) == config[:2], "it is known, and not in there"
    server = gorums.Server(node_id=1, peers=["127.0.0.1:9", "127.0.0.1:10"])
    assert server.config().remove(2).node_ids == (1,), "who is connected changes all the time"
    with pytest.raises(gorums.ConfigurationError, match=r"there is no node 9: the connections are to node 1$"):
        server.config().add(9)


async def test_texts_do_not_list_very_many_nodes() -> None:
    async with unreachable(13) as config:
        with pytest.raises(KeyError, match=r"which has nodes 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 3 others'$"):
            config.node(99)


async def test_a_configuration_cannot_be_changed() -> None:
    async with unreachable(3) as config:
        changeable: Any = config
        for name in ("nodes", "pool", "defaults", "other"):
            with pytest.raises(AttributeError, match=f"a Configuration is immutable: {name} cannot be set"):
                setattr(changeable, name, ())
        with pytest.raises(AttributeError, match="nodes cannot be deleted"):
            del changeable.nodes
        assert len(config) == 3


def test_a_blocking_configuration_cannot_be_changed() -> None:
    with gorums.sync.connect(NOWHERE[:3]) as config:
        for item in (config, config[0]):
            changeable: Any = item
            for name in ("asynchronous", "thread", "other"):
                with pytest.raises(AttributeError, match=f"is immutable: {name} cannot be set"):
                    setattr(changeable, name, None)


async def test_awaiting_a_call() -> None:
    async with unreachable(3) as config:
        responses: Any = ask(config, Text())
        with pytest.raises(TypeError, match=r"a call of calls\.Calls\.Ask is not awaited itself.*\.majority\(\)"):
            await responses


def test_awaiting_a_blocking_call() -> None:
    with gorums.sync.connect(NOWHERE[:3]) as config:
        responses: Any = ask(config, Text())
        with pytest.raises(TypeError, match=r"with pygorums\.sync blocks and is not awaited: call majority\(\)"):
            responses.__await__()


@pytest.mark.parametrize("n", [1.5, 2.0, "2", None])
async def test_numbers_of_replies_that_are_not_whole(n: Any) -> None:
    text = "a quorum call needs a whole number of replies, not "
    ways: list[Callable[[Any], Any]] = [
        lambda r: r.threshold(n),
        lambda r: r.async_threshold(n),
        lambda r: r.correctable(n),
    ]
    if n is not None:  # which is a majority there
        ways.append(lambda r: r.collect_quorum(n))

    def blocking() -> None:
        for way in ways:
            with pytest.raises(TypeError, match=text):
                way(gorums.testing.sync.responses({1: Text(), 2: Text(), 3: Text()}))

    for way in ways:
        with pytest.raises(TypeError, match=text):
            way(gorums.testing.responses({1: Text(), 2: Text(), 3: Text()}))
    await within(asyncio.to_thread(blocking))


@pytest.mark.parametrize(
    ("timeout", "shown"),
    [
        (10**400, "a number that large$"),
        (10**5000, "a number that large$"),
        (-float("inf"), "-inf"),
        (float("nan"), "nan"),
        (-(10**400), "a number that large$"),
    ],
    ids=["10**400", "10**5000", "-inf", "nan", "-10**400"],
)
async def test_timeouts_that_are_no_numbers_of_seconds(timeout: float, shown: str) -> None:
    async with unreachable(2) as config:
        for call in (
            lambda: echo(config[0], Text(), timeout=timeout),
            lambda: note(config[0], Text(), timeout=timeout),
            lambda: spread(config, Text(), timeout=timeout),
            lambda: ask(config, Text(), timeout=timeout),
            lambda: config.with_defaults(timeout=timeout),
            lambda: config.watch(timeout, lambda c: c),
        ):
            with pytest.raises(ValueError, match=f"a finite number of seconds or None, not {shown}"):
                call()
        for wait in (config.wait_connected, config[0].wait_connected):
            with pytest.raises(ValueError, match="a finite number of seconds"):
                await wait(timeout=timeout)
    system = gorums.System("127.0.0.1:0", node_id=1, peers=["127.0.0.1:9"])
    try:
        for wait_for in (system.wait_for_config, system.wait_for_client_config):
            with pytest.raises(ValueError, match="a finite number of seconds"):
                await wait_for(lambda connected: False, timeout=timeout)
    finally:
        await system.stop()


@pytest.mark.parametrize("timeout", [float("inf"), 1.7e308, 10**300])
async def test_timeouts_that_never_come(timeout: float) -> None:
    async with scripted(1) as cluster:
        config = cluster.config.with_defaults(timeout=timeout)
        await within(config.wait_connected(timeout=timeout))
        await within(config[0].wait_connected(timeout))
        assert (await within(echo(config[0], Text(text="x"), timeout=timeout))).text == "x"
        assert (await within(ask(config, Text(text="y")).first())).text == "y"
        await within(note(config[0], Text(), timeout=timeout))
        await within(spread(config, Text()))


async def test_raising_the_last_error_of_a_node_again_and_again() -> None:
    async with gorums.connect(NOWHERE[:1], backoff=QUICK) as config:
        node = config[0]
        await until(lambda: node.last_error)
        depths = set()
        for _ in range(3):
            try:
                assert node.last_error is not None
                raise node.last_error
            except gorums.StatusError as error:
                traceback, depth = error.__traceback__, 0
                while traceback is not None:
                    traceback, depth = traceback.tb_next, depth + 1
                depths.add(depth)
        assert depths == {1}


async def asynchronous(config: Any) -> None: ...


async def test_a_callback_that_nobody_awaits(caplog: pytest.LogCaptureFixture) -> None:
    text = "on_config_change must be a plain function"
    with pytest.raises(TypeError, match=text):
        gorums.Server(node_id=1, peers=["127.0.0.1:9"], on_config_change=asynchronous)
    # What only calls one is found out when it is called, which is at the start.
    options: gorums.ServerOptions = {"on_config_change": lambda config: asynchronous(config)}
    async with gorums.Server(address="127.0.0.1:0", node_id=1, peers=["127.0.0.1:9"], **options):
        assert text in caplog.text


def test_a_callback_that_nobody_awaits_without_asyncio() -> None:
    with pytest.raises(TypeError, match="on_config_change must be a plain function"):
        gorums.sync.Server(node_id=1, peers=["127.0.0.1:9"], on_config_change=asynchronous)


def test_interceptors_of_servers_that_are_none() -> None:
    wrong: Any = passing
    with pytest.raises(TypeError, match=r"write \[f\] for a single one"):
        gorums.Server(interceptors=wrong)
