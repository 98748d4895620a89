"""Recording: what becomes of operations that end in one way or another."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import pygorums as gorums
from pygorums import testing
from pygorums.testing import History, Outcome


def last(history: History) -> testing.Operation:
    return history.operations[-1]


async def gives(value: object) -> object:
    await asyncio.sleep(0)
    return value


async def raises(error: BaseException) -> object:
    await asyncio.sleep(0)
    raise error


async def test_a_call_that_returns() -> None:
    times = iter([1.0, 2.5])
    history = History(clock=lambda: next(times))
    assert await history.call("a", "read", "x", gives(5)) == 5
    operation = last(history)
    assert (operation.process, operation.name, operation.argument) == ("a", "read", "x")
    assert (operation.outcome, operation.result, operation.error) == (Outcome.OK, 5, None)
    assert (operation.invoked, operation.returned, operation.began, operation.ended) == (0, 1, 1.0, 2.5)
    assert str(operation) == "read 'x' → 5"


NOBODY_KNOWS = [
    gorums.QuorumTimeoutError("m", {1: TimeoutError()}),
    gorums.CallTimeoutError("late"),
    gorums.StreamDownError("down"),
    gorums.StatusError(gorums.StatusCode.UNIMPLEMENTED, "or so its handler says"),
    gorums.SendError("m", {1: OSError()}),
    TimeoutError(),
    ConnectionResetError(),
]


@pytest.mark.parametrize("error", NOBODY_KNOWS, ids=lambda error: type(error).__name__)
async def test_errors_that_leave_it_open(error: Exception) -> None:
    history = History()
    assert await history.call("a", "write", 1, raises(error)) is None
    operation = last(history)
    assert (operation.outcome, operation.returned, operation.error) == (Outcome.UNKNOWN, None, error)
    assert operation.ended is not None


async def test_errors_that_mean_that_it_was_not_executed() -> None:
    history = History(failures=[gorums.StatusCode.FAILED_PRECONDITION, ConnectionRefusedError])
    refused = gorums.StatusError(gorums.StatusCode.FAILED_PRECONDITION, "not the leader")
    for error in [testing.NotExecutedError("no"), refused, ConnectionRefusedError()]:
        assert await history.call("a", "write", 1, raises(error)) is None
        assert last(history).outcome is Outcome.FAILED
        assert last(history).error is error
    assert await history.call("a", "write", 1, raises(ConnectionResetError())) is None
    assert last(history).outcome is Outcome.UNKNOWN


async def test_what_is_certain_in_a_session_is_certain_here() -> None:
    history = History()
    for certain in (True, False):
        await history.call("c", "write", certain, raises(gorums.StreamDownError("down", certain=certain)))
    assert [operation.outcome for operation in history.operations] == [Outcome.FAILED, Outcome.UNKNOWN]


async def test_faults_of_the_program_are_raised() -> None:
    history = History()
    for error in [KeyError("x"), gorums.ConfigurationError("empty"), AssertionError("no")]:
        with pytest.raises(type(error)) as caught:
            await history.call("a", "write", 1, raises(error))
        assert caught.value is error
    assert [operation.outcome for operation in history.operations] == [Outcome.UNKNOWN, Outcome.FAILED, Outcome.UNKNOWN]


def test_what_errors_are_matched_by_is_checked_at_once() -> None:
    with pytest.raises(TypeError, match="matched by an exception class or a"):
        History(failures=["UNAVAILABLE"])  # type: ignore[list-item]  # the point


async def test_a_cancelled_call_is_open() -> None:
    history = History()
    task = asyncio.create_task(history.call("a", "write", 1, asyncio.Event().wait()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert last(history).outcome is Outcome.UNKNOWN


async def test_a_call_begins_before_it_is_awaited() -> None:
    history = History()
    later = history.call("a", "write", 1, gives(None))
    operation = history.invoke("b", "read")
    await later
    history.ok(operation, 1)
    assert [(one.invoked, one.returned) for one in history.operations] == [(0, 2), (1, 3)]
    history.assert_linearizable(testing.register())


def test_by_hand() -> None:
    history = History()
    write = history.invoke("a", "write", 1)
    lost = history.invoke("b", "write", 2)
    refused = history.invoke("c", "write", 3)
    history.ok(write)
    history.unknown(lost)
    history.failed(refused)
    open_still = history.invoke("a", "write", 4)
    assert [operation.outcome for operation in history.operations] == [
        Outcome.OK,
        Outcome.UNKNOWN,
        Outcome.FAILED,
        Outcome.UNKNOWN,
    ]
    assert open_still.ended is None
    for operation in (write, lost, refused):
        with pytest.raises(ValueError, match="was told of the end of write"):
            history.ok(operation)
    assert history.check(testing.register())
    assert str(history).count("\n") == 3


def test_threads() -> None:
    history, lock, value = History(), threading.Lock(), [0]

    def add() -> int:
        with lock:
            value[0] += 1
            return value[0]

    def client(name: int) -> None:
        for _ in range(20):
            history.call_sync(name, "add", None, add)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(client, range(4)))
    assert len(history.operations) == 80
    history.assert_linearizable(testing.counter())


def test_calls_of_threads_that_fail() -> None:
    history = History()

    def fail(error: Exception) -> None:
        raise error

    assert history.call_sync("a", "write", 1, fail, TimeoutError()) is None
    assert history.call_sync("a", "write", 1, fail, error=testing.NotExecutedError()) is None
    with pytest.raises(KeyError):
        history.call_sync("a", "write", 1, fail, KeyError("x"))
    outcomes = [operation.outcome for operation in history.operations]
    assert outcomes == [Outcome.UNKNOWN, Outcome.FAILED, Outcome.UNKNOWN]


async def test_assertions(tmp_path: Path) -> None:
    history = History()
    await history.call("a", "write", 1, gives(None))
    history.assert_linearizable(testing.register())
    await history.call("b", "read", None, gives(2))
    with pytest.raises(testing.NotLinearizableError, match=r"explains that b had read → 2") as caught:
        history.assert_linearizable(testing.register())
    assert caught.value.verdict.linearizable is False
    assert isinstance(caught.value, AssertionError)
    history.html(tmp_path / "history.html")
    assert "read → 2" in (tmp_path / "history.html").read_text("utf-8")


async def test_that_nobody_knows_is_no_success() -> None:
    history = History()
    operations = [history.invoke(number, "put", number) for number in range(40)]
    for operation in operations:
        history.ok(operation)
    await history.call("last", "get", None, gives("nonsense"))
    with pytest.raises(testing.UndecidedError, match=r"undecided after 0\.0 s: 41 operations"):
        history.assert_linearizable(testing.queue(), limit=0.01)
