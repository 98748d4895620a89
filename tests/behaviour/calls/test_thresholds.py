"""How many successes each terminal method of a quorum call needs, over sizes, outcomes and thresholds."""

from collections.abc import Callable, Iterator
from itertools import product

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster, scripted
from tests.support.waiting import turns, within

Reply = gorums.Responses[Text]

TERMINALS: dict[str, tuple[Callable[[Reply], object], Callable[[int], int]]] = {
    "first": (lambda r: r.first(), lambda n: 1),
    "majority": (lambda r: r.majority(), lambda n: n // 2 + 1),
    "all": (lambda r: r.all(), lambda n: n),
    "async_first": (lambda r: r.async_first(), lambda n: 1),
    "async_majority": (lambda r: r.async_majority(), lambda n: n // 2 + 1),
    "async_all": (lambda r: r.async_all(), lambda n: n),
}
SIZES = range(1, 6)


def outcomes(size: int) -> Iterator[str]:
    """Every way in which `size` nodes can succeed, fail or stay silent."""
    for words in product(("ok", "fail", "silent"), repeat=size):
        yield " ".join(words)


@pytest.mark.parametrize("name", TERMINALS)
async def test_what_each_terminal_method_needs(name: str) -> None:
    """`needed` nodes succeed: success. One fewer, the others failing: failure. Sizes 1 to 5.

    Rows: 203, 205, 207.
    """
    terminal, needed_of = TERMINALS[name]
    async with scripted(5) as cluster:
        for size in SIZES:
            config, needed = cluster.config[:size], needed_of(size)
            enough = ["ok"] * needed + ["fail"] * (size - needed)
            for text in (" ".join(enough), " ".join(reversed(enough))):
                assert (await within(awaited(terminal(ask(config, Text(text=text)))))).text == text
            too_few = " ".join(["ok"] * (needed - 1) + ["fail"] * (size - needed + 1))
            with pytest.raises(gorums.IncompleteError) as error:
                await within(awaited(terminal(ask(config, Text(text=too_few)))))
            assert sorted(error.value.node_errors) <= list(range(needed, size + 1))
            assert error.value.replies <= needed - 1


@pytest.mark.parametrize("size", [1, 2, 3])
async def test_every_outcome_and_threshold(size: int) -> None:
    """It ends as soon as it is decided, one way or the other, and only silence can leave it undecided.

    Rows: 206, 207, 208.
    """
    async with scripted(size) as cluster:
        for text, threshold in product(outcomes(size), range(1, size + 1)):
            await check(cluster, text, threshold)


@pytest.mark.parametrize(
    ("text", "threshold"),
    [
        ("ok ok silent silent silent", 2),
        ("silent ok silent ok ok", 3),
        ("fail fail fail silent silent", 3),
        ("fail ok fail ok ok", 3),
        ("fail silent silent silent silent", 5),
        ("ok ok ok ok fail", 5),
        ("ok ok ok ok ok", 5),
    ],
)
async def test_outcomes_of_five(text: str, threshold: int) -> None:
    async with scripted(5) as cluster:
        await check(cluster, text, threshold)


async def check(cluster: Cluster[ScriptedCalls], text: str, threshold: int) -> None:
    words = text.split()
    successes, failures = words.count("ok"), words.count("fail")
    case = f"{text!r}, threshold {threshold}"
    call = ask(cluster.config, Text(text=text)).async_threshold(threshold)
    if successes >= threshold:
        reply = await within(call)
        assert words[reply.number - 1] == "ok", case
    elif failures > len(words) - threshold:
        with pytest.raises(gorums.IncompleteError) as error:
            await within(call)
        assert not isinstance(error.value, TimeoutError), case
        assert error.value.replies <= successes, case
        assert all(words[node_id - 1] == "fail" for node_id in error.value.node_errors), case
        assert len(error.value.node_errors) > len(words) - threshold, case
    else:
        for node in cluster.config:
            await within(echo(node, Text(text="fence")))  # what the others had to say has come by now
        assert not call.done(), case
        assert [node.pending for node in cluster.config] == [int(word == "silent") for word in words], case
        call.cancel()
        await turns()
    assert [node.pending for node in cluster.config if words[node.id - 1] == "silent"] == [0] * words.count("silent"), (
        case
    )


async def awaited(awaitable: object) -> Text:
    return await awaitable  # type: ignore[no-any-return, misc]  # a coroutine or a future, as the method gives it


@pytest.mark.parametrize("number", [0, -1])
async def test_a_threshold_below_one_is_a_mistake(three: Cluster[ScriptedCalls], number: int) -> None:
    """Rows: 211."""
    with pytest.raises(ValueError, match=str(number)):
        await within(ask(three.config, Text(text="x")).threshold(number))
    with pytest.raises(ValueError, match=str(number)):
        await within(ask(three.config, Text(text="x")).async_threshold(number))
    with pytest.raises(ValueError, match=str(number)):
        await within(ask(three.config, Text(text="x")).correctable(number).wait())
    await nothing_was_sent(three)


async def test_a_threshold_above_the_size_cannot_be_reached(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 211."""
    with pytest.raises(gorums.IncompleteError) as error:
        await within(ask(three.config, Text(text="x")).threshold(4))
    assert error.value.node_errors == {}
    assert error.value.replies == 0
    with pytest.raises(gorums.IncompleteError):
        await within(ask(three.config, Text(text="x")).async_threshold(4))
    with pytest.raises(gorums.IncompleteError):
        await within(ask(three.config[:2], Text(text="x")).threshold(3))
    await nothing_was_sent(three)


async def test_no_nodes_at_all(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 168."""
    nobody = three.config[:0]
    for terminal in ("first", "majority"):
        with pytest.raises(gorums.IncompleteError):
            await within(getattr(ask(nobody, Text(text="x")), terminal)())
    assert await within(ask(nobody, Text(text="x")).collect_all()) == {}


async def nothing_was_sent(cluster: Cluster[ScriptedCalls]) -> None:
    await within(ask(cluster.config, Text(text="fence")).all())
    assert [service.seen for service in cluster] == [["fence"]] * len(cluster.config)
