"""The threads of plain handlers: as few as are needed, and what happens where there can be no more."""

import logging
import threading
from typing import Any

import grpc
import pytest

import pygorums as gorums
from pygorums.serving import daemon_threads
from pygorums.serving.daemon_threads import DaemonThreads, NoThreadError
from tests.protos.calls_gorums import echo, note
from tests.protos.calls_pb2 import Text
from tests.support.plain_calls import PlainCalls
from tests.support.waiting import until, within

NO_MORE = "can't start new thread"


@pytest.fixture
def no_more_threads(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No thread can be started until this is undone, but for those of grpc, which crashes without."""
    start_others = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if thread.name.startswith(("pygorums-handler", "test-")):
            raise RuntimeError(NO_MORE)
        start_others(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    monkeypatch.setattr(daemon_threads, "NO_THREAD_DELAY", 0)
    return monkeypatch


def test_one_thread_does_for_what_comes_one_after_the_other() -> None:
    threads = DaemonThreads(10, "test-one")
    assert len({threads.submit(threading.current_thread).result(10) for _ in range(500)}) == 1
    threads.shutdown()


def test_a_thread_is_free_again_after_a_failure_and_after_what_was_cancelled() -> None:
    threads = DaemonThreads(10, "test-free")
    begun, gate = threading.Event(), threading.Event()

    def held() -> threading.Thread:
        begun.set()
        gate.wait(10)
        return threading.current_thread()

    first = threads.submit(held)
    begun.wait(10)
    assert isinstance(threads.submit(int, "x").exception(10), ValueError)
    cancelled = threads.submit(threading.current_thread)
    while not cancelled.cancel():
        cancelled = threads.submit(threading.current_thread)
    gate.set()
    names = {first.result(10).name, *(threads.submit(threading.current_thread).result(10).name for _ in range(50))}
    assert names <= {"test-free-1", "test-free-2"}
    threads.shutdown()


def test_what_finds_no_thread_is_not_done_later(no_more_threads: pytest.MonkeyPatch) -> None:
    threads = DaemonThreads(10, "test-none")
    done: list[int] = []
    with pytest.raises(NoThreadError, match=NO_MORE):
        threads.submit(done.append, 1)
    no_more_threads.undo()
    threads.submit(done.append, 2).result(10)
    assert done == [2]
    threads.shutdown()


def errors(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_handler_for_which_there_is_no_thread(
    no_more_threads: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its caller is told so; the next one is served by the thread that can be started then."""
    service: Any = PlainCalls(1)
    async with gorums.Server(service) as server, gorums.connect([await server.start("127.0.0.1:0")]) as config:
        with pytest.raises(gorums.StatusError, match=NO_MORE) as raised:
            await within(echo(config[0], Text(text="x")))
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
        await within(note(config[0], Text(text="lost")))
        await until(lambda: errors(caplog), "it was refused")
        no_more_threads.undo()
        assert (await within(echo(config[0], Text(text="y")))).text == "y"
    assert service.seen == ["y"]
    (logged,) = errors(caplog)
    assert NO_MORE in logged.getMessage()
    assert logged.exc_info is None
