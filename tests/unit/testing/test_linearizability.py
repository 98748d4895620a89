"""The checker, against histories whose verdicts can be seen and against trying all orders."""

import random
import time
from collections.abc import Sequence

import pytest

from pygorums import testing
from pygorums.testing import Model, Operation, Outcome, Verdict
from pygorums.testing.verdict import check_operations
from tests.unit.testing.drawn import drawn
from tests.unit.testing.orders import by_trying_all_orders, explains


def check(operations: Sequence[Operation], model: Model, limit: float | None = 10.0) -> Verdict:
    return check_operations(operations, model, limit)


# What can be seen: (what it shows, model, verdict, drawing).
SEEN = [
    ("nothing happened", testing.register(), True, ""),
    ("a read of what nobody wrote", testing.register(), False, "a [read → 1]"),
    ("a read of the first value", testing.register(0), True, "a [read → 0]"),
    (
        "a read beside a write may be before it or after it",
        testing.register(0),
        True,
        """
        a  [write 1              ]
        b    [read → 0] [read → 1]
        """,
    ),
    (
        "what was read once is not unread: the write-back forgotten",
        testing.register(0),
        False,
        """
        a  [write 1                       ]
        b    [read → 1]
        c               [read → 0]
        """,
    ),
    (
        "a write is done when it returns",
        testing.register(0),
        False,
        """
        a  [write 1]
        b            [read → 0]
        """,
    ),
    (
        "two writes beside each other are in one order for everybody",
        testing.register(),
        False,
        """
        a  [write 1]
        b  [write 2]
        c            [read → 1]
        d                       [read → 2]
        """,
    ),
    (
        "a write that nobody heard of may take effect much later",
        testing.register(0),
        True,
        """
        a  [write 1 ?
        b             [read → 0] [write 2] [read → 2] [read → 1]
        """,
    ),
    (
        "but once only",
        testing.register(0),
        False,
        """
        a  [write 1 ?
        b             [read → 1] [write 2] [read → 1]
        """,
    ),
    (
        "and twice if it was asked for twice",
        testing.register(0),
        True,
        """
        a  [write 1 ?
        c  [write 1 ?
        b             [read → 1] [write 2] [read → 1]
        """,
    ),
    (
        "what failed is not seen",
        testing.register(0),
        False,
        """
        a  [write 1 !
        b             [read → 1]
        """,
    ),
    (
        "of two that compare and set the same value one is told so",
        testing.register(0),
        False,
        """
        a  [cas (0, 1) → True]
        b  [cas (0, 2) → True]
        """,
    ),
    (
        "one that was told that it had not set the value is held to it",
        testing.register(0),
        False,
        "a  [cas (0, 1) → False]",
    ),
    (
        "keys have nothing to do with each other",
        testing.kv(),
        True,
        """
        a  [put ('x', 1)] [get 'y' → None] [delete 'x'] [get 'x' → None]
        b  [put ('y', 1)  ?
        """,
    ),
    (
        "one of several keys is wrong",
        testing.kv(""),
        False,
        """
        a  [append ('x', 'a')] [get 'x' → 'a'] [get 'y' → '']
        b  [append ('y', 'b')] [append ('y', 'c')] [get 'y' → 'cb']
        """,
    ),
    (
        "a counter counts each once",
        testing.counter(),
        False,
        """
        a  [add 2] [add → 3] [read → 3]
        b                              [read → 5]
        """,
    ),
    (
        "a queue gives what was put first",
        testing.queue(),
        False,
        """
        a  [put 1] [put 2]
        b                  [get → 2] [get → 1] [get → None]
        """,
    ),
    (
        "a queue whose puts were beside each other gives either first",
        testing.queue(),
        True,
        """
        a  [put 1]
        c  [put 2]
        b          [get → 2] [get → 1] [get → None]
        """,
    ),
    (
        "a queue gives nothing twice",
        testing.queue(),
        False,
        """
        a  [put 1]
        b  [get → 1]
        c  [get → 1]
        """,
    ),
    (
        "a log keeps what was appended where it was",
        testing.log(),
        True,
        """
        a  [append 'p' → 1]
        b  [append 'q' → 0]
        c  [read 1 → 'p'] [read → ('q', 'p')] [read 2 → None]
        """,
    ),
    (
        "a log gives a place once",
        testing.log(),
        False,
        """
        a  [append 'p' → 0]
        b  [append 'q' → 0]
        """,
    ),
]


@pytest.mark.parametrize(("model", "verdict", "drawing"), [case[1:] for case in SEEN], ids=[case[0] for case in SEEN])
def test_verdicts_that_can_be_seen(model: Model, verdict: bool, drawing: str) -> None:
    found = check(drawn(drawing), model)
    assert found.linearizable is verdict
    assert bool(found) is verdict
    for part in found.order.values():
        explains(part, model)


def some_operation(random: random.Random, kind: str) -> tuple[str, object, object]:
    small = random.randrange(3)
    match kind:
        case "register":
            return random.choice(
                [("write", small, None), ("read", None, small), ("cas", (small, random.randrange(3)), small > 0)]
            )
        case "kv":
            key = random.choice("xy")
            return random.choice([("put", (key, f"{small}"), None), ("get", key, f"{small}"), ("delete", key, None)])
        case "counter":
            return random.choice([("add", small, None), ("add", 1, small), ("read", None, small)])
        case "queue":
            return random.choice([("put", small, None), ("get", None, random.choice([small, None]))])
        case _:
            read = ("read", random.choice([0, 1]), random.choice([small, None]))
            return random.choice([("append", small, random.choice([None, 0, 1])), read])


MODELS = {
    "register": testing.register(0),
    "kv": testing.kv(""),
    "counter": testing.counter(),
    "queue": testing.queue(),
    "log": testing.log(),
}


def some_history(seed: int) -> tuple[list[Operation], Model]:
    chance = random.Random(seed)
    kind = chance.choice(list(MODELS))
    count = chance.randint(1, 6)
    spread = chance.choice([1.0, 3.0, 8.0])  # how much they overlap
    moments = []
    for number in range(count):
        began = chance.uniform(0, spread)
        moments += [(began, number, False), (began + chance.uniform(0.1, 2), number, True)]
    operations = [
        Operation(number, name, argument, result, chance.choices(list(Outcome), [8, 1, 2])[0])
        for number, (name, argument, result) in enumerate(some_operation(chance, kind) for _ in range(count))
    ]
    for moment, (_, number, ends) in enumerate(sorted(moments)):
        if not ends:
            operations[number].invoked = moment
        elif operations[number].outcome is not Outcome.UNKNOWN:
            operations[number].returned = moment
    return operations, MODELS[kind]


@pytest.mark.parametrize("block", range(4))
def test_verdicts_are_those_of_trying_all_orders(block: int) -> None:
    verdicts = set()
    for seed in range(block * 500, (block + 1) * 500):
        operations, model = some_history(seed)
        found = check(operations, model)
        assert found.linearizable is by_trying_all_orders(operations, model), seed
        verdicts.add(found.linearizable)
        for part in found.order.values():
            explains(part, model)
    assert verdicts == {True, False}


def test_states_and_arguments_that_cannot_be_hashed() -> None:
    def step(state: list[object], operation: Operation) -> object:
        if operation.name == "append":
            return [*state, operation.argument]
        return state if operation.gave(state) else testing.IMPOSSIBLE

    model = Model([], step)
    operations = drawn(
        """
        a  [append 1]
        b  [append 2] [read]
        """
    )
    operations[0].argument, operations[1].argument, operations[-1].result = {1: 2}, {3}, [{3}, {1: 2}]
    assert check(operations, model).linearizable is True
    operations[-1].result = [{1: 2}]
    assert check(operations, model).linearizable is False


def test_states_that_nothing_is_known_of_are_named() -> None:
    class Odd:
        __hash__ = None  # type: ignore[assignment]  # the point

    model = Model(0, lambda state, operation: Odd())
    with pytest.raises(TypeError, match=r"must be hashable, and .*Odd"):
        check(drawn("a [write 1]"), model)


def test_an_operation_that_the_model_does_not_have() -> None:
    with pytest.raises(ValueError, match="a register has no operation 'append': it has write, read and cas"):
        check(drawn("a [append 1]"), testing.register())


def hopeless(count: int) -> list[Operation]:
    """Operations that all overlap, and in no order give what the last one had."""
    operations = [Operation(number, "put", number, None, Outcome.OK, number, count + number) for number in range(count)]
    return [*operations, Operation("last", "get", None, "nonsense", Outcome.OK, 2 * count, 2 * count + 1)]


def test_gives_up_when_the_time_is_up() -> None:
    began = time.perf_counter()
    verdict = check(hopeless(30), testing.queue(), limit=0.05)
    assert verdict.linearizable is None
    assert not verdict
    assert str(verdict).startswith("undecided after 0.")
    assert time.perf_counter() - began < 10  # it would take years


def test_one_key_that_takes_for_ever_does_not_hide_one_that_is_wrong() -> None:
    def step(state: object, operation: Operation) -> object:
        return queue.step(state, operation)

    queue = testing.queue()
    by_process = Model((), step, key=lambda operation: operation.process == "wrong")
    wrong = Operation("wrong", "get", None, 1, Outcome.OK, 100, 101)
    verdict = check([*hopeless(30), wrong], by_process, limit=None)
    assert verdict.linearizable is False
    assert verdict.key is True


def test_a_long_history_is_not_deep() -> None:
    operations = []
    for number in range(5000):
        name, argument, result = ("write", number, None) if number % 2 else ("read", None, max(0, number - 1))
        operations.append(Operation("a", name, argument, result, Outcome.OK, 2 * number, 2 * number + 1))
    verdict = check(operations, testing.register(0))
    assert verdict.linearizable is True
    assert verdict.order[None] == operations
