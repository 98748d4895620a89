"""The futures of calls, which are made of less than those of `concurrent.futures` and behave like them."""

import asyncio
import gc
import signal
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, InvalidStateError, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pytest

import pygorums as gorums
from pygorums.sync import future as module
from pygorums.sync.future import CallFuture
from tests.protos import calls_gorums
from tests.protos.calls_pb2 import Text
from tests.support.plain_calls import until
from tests.sync.plain_cluster import PlainCluster

ask: Any = calls_gorums.ask

passing = gorums.map_response(lambda value, node: value)

KINDS = pytest.mark.parametrize("options", [{}, {"interceptors": [passing]}], ids=["plain", "intercepted"])


class _Counted(CallFuture[str]):
    """Counts how often its call is forgotten."""

    def __init__(self) -> None:
        super().__init__()
        self.forgotten: list[int] = []

    def _forget(self) -> None:
        self.forgotten.append(threading.get_ident())


def test_they_are_made_of_what_this_python_makes_them_of() -> None:
    """If this fails, see what is new in futures: it works as it is, but slower."""
    future: Future[str] = Future()
    assert vars(CallFuture[str]()).keys() - {"__orig_class__"} == vars(future).keys()
    assert module._IS_KNOWN


@pytest.fixture(params=[True, False], ids=["known", "unknown"])
def python(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python whose futures we know, and another one."""
    monkeypatch.setattr(module, "_IS_KNOWN", request.param)


@contextmanager
def blocked(count: int, wait: Callable[[], Any]) -> Iterator[list[Any]]:
    """Threads that wait; what came of it is there at the end."""
    found: list[Any] = []

    def work() -> None:
        try:
            found.append(wait())
        except (CancelledError, ValueError) as error:
            found.append(type(error))

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)  # they block, most likely
    yield found
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.usefixtures("python")
def test_who_blocks_is_told() -> None:
    ended, failed, cancelled = _Counted(), _Counted(), _Counted()
    for future in (ended, failed, cancelled):
        with pytest.raises(TimeoutError):
            future.result(0.01)
        with pytest.raises(TimeoutError):
            future.exception(0)
    with blocked(3, lambda: ended.result(10)) as results, blocked(3, failed.result) as errors:
        ended.set_result("reply")
        failed.set_exception(ValueError())
    assert (results, errors) == (["reply"] * 3, [ValueError] * 3)
    with blocked(2, lambda: cancelled.result(10)) as results, blocked(2, cancelled.exception) as errors:
        cancelled.cancel()
    assert (results, errors) == ([CancelledError] * 2, [CancelledError] * 2)
    assert ended.result() == "reply"
    assert "returned str" in repr(ended)
    assert not ended.cancel()
    assert ended.forgotten == []
    assert cancelled.forgotten == [threading.get_ident()]


@pytest.mark.usefixtures("python")
def test_one_of_many_threads_that_cancel_forgets_the_call() -> None:
    begin = threading.Barrier(8)

    def cancel(future: _Counted) -> bool:
        begin.wait(10)
        return future.cancel()

    with ThreadPoolExecutor(8) as pool:
        for _ in range(100):
            future = _Counted()
            assert list(pool.map(cancel, [future] * 8)) == [True] * 8
            assert len(future.forgotten) == 1


@pytest.mark.usefixtures("python")
def test_an_outcome_that_comes_too_late_is_dropped() -> None:
    future = _Counted()
    assert future.cancel()
    future.set_result("reply")
    future.set_exception(ValueError())
    assert future.cancelled()
    with pytest.raises(InvalidStateError):
        Future.set_result(future, "reply")  # so that the text of this error, which asks the locked future, is made


def test_interrupts_while_it_is_asked() -> None:
    """They leave it unlocked. With a `Condition` half of them do not, and the event loop would wait for ever."""
    future = _Counted()

    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for _ in range(50):
            with pytest.raises(KeyboardInterrupt):
                ask_until_interrupted(future)
            with blocked_by(future) as over:
                assert over.wait(10)
    finally:
        signal.signal(signal.SIGALRM, before)


def ask_until_interrupted(future: Future[str]) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.002)
    while True:
        future.done()
        future.running()


@contextmanager
def blocked_by(future: Future[str]) -> Iterator[threading.Event]:
    """Another thread asks; the event says that it has its answer."""
    over = threading.Event()

    def work() -> None:
        future.done()
        over.set()

    threading.Thread(target=work, daemon=True).start()
    yield over


@KINDS
def test_cancelling_races_with_the_result(blocking: PlainCluster, options: Any) -> None:
    config = blocking.config
    problems: list[Any] = []
    config.thread.loop.call_soon_threadsafe(
        config.thread.loop.set_exception_handler, lambda loop, context: problems.append(context)
    )
    outcomes = []
    for n in range(200):
        future = ask(config, Text(text=str(n)), **options).async_first()
        time.sleep(n % 20 * 0.0002)
        outcomes.append(future.cancel())
        assert future.cancelled() is outcomes[-1]
        if not outcomes[-1]:
            assert future.result().text == str(n)
    blocking.nothing_is_pending()
    config.thread.loop.call_soon_threadsafe(config.thread.loop.set_exception_handler, None)
    assert problems == []
    assert True in outcomes


def test_cancelled_before_it_was_sent(blocking: PlainCluster) -> None:
    """While the event loop does something else."""
    busy = threading.Event()
    blocking.config.thread.submit(lambda: busy.wait(10))
    future = ask(blocking.config, Text(text="cancelled")).async_all()
    after = ask(blocking.config, Text(text="after")).async_all()
    assert future.cancel()
    busy.set()
    assert after.result(10).text == "after"
    assert {text for service in blocking.services for text in service.seen} == {"after"}
    blocking.nothing_is_pending()


@KINDS
@pytest.mark.parametrize("ending", ["result", "error", "too few nodes", "cancelled"])
def test_nothing_keeps_a_future_alive(blocking: PlainCluster, options: Any, ending: str) -> None:
    """No cycle is left for the garbage collector, nor is the request kept with the future.

    But for errors with interceptors: their tracebacks lead to the thread that has read, and that to the future.
    """
    text = {"error": "fail", "cancelled": "silent"}.get(ending, "ok")
    ask(blocking.config, Text(text="warm")).all()
    gc.collect()
    gc.disable()
    try:
        responses = ask(blocking.config, Text(text=text), **options)
        future = responses.async_threshold(4) if ending == "too few nodes" else responses.async_all()
        known = [weakref.ref(future), weakref.ref(responses)]
        del responses
        if ending == "cancelled":
            blocking.all_have_seen("silent")
            assert future.cancel()
        elif ending == "result":
            assert future.result(10).text == "ok"
        else:
            assert isinstance(future.exception(10), gorums.IncompleteError)
        until(lambda: known[1]() is None, "the responses are forgotten")
        del future
        if options and ending in ("error", "too few nodes"):
            gc.collect()
        until(lambda: known[0]() is None, "the future is forgotten")
    finally:
        gc.enable()


def test_what_was_read_of_a_call(blocking: PlainCluster) -> None:
    """What is asked for before it is read shows what is read later; of a future it shows nothing."""
    responses = ask(blocking.config, Text(text="ok fail ok"))
    errors = responses.node_errors
    assert (dict(errors), responses.replies, responses.timed_out) == ({}, 0, False)
    assert sorted(responses.collect_all()) == [1, 3]
    assert (list(errors), responses.replies) == ([2], 2)
    responses = ask(blocking.config, Text(text="ok fail ok"))
    assert responses.async_majority().result(10).number in (1, 3)
    assert (responses.node_errors, responses.replies) == ({}, 0)


USER: ContextVar[str] = ContextVar("user", default="nobody")


@KINDS
def test_a_callback_has_no_task_of_the_engine_in_its_hands(blocking: PlainCluster, options: dict[str, Any]) -> None:
    found: list[tuple[object, str]] = []

    def callback(_: object) -> None:
        try:
            task = asyncio.current_task()
        except RuntimeError:  # it was over already, and this is our own thread
            task = None
        found.append((task, USER.get()))
        USER.set("the callback")

    USER.set("caller")
    try:
        for _ in range(3):
            call = ask(blocking.config, Text(text="x"), **options).async_all()
            call.add_done_callback(callback)
            call.result(10)
        until(lambda: len(found) == 3)
        assert found == [(None, "caller")] * 3
        assert USER.get() == "caller"
    finally:
        USER.set("nobody")
