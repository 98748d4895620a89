"""Ctrl-C while something blocks: it ends at once, the call is forgotten, and everything can be used as before."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

import pygorums as gorums
from tests.protos import calls_gorums
from tests.protos.calls_pb2 import Text
from tests.support.program import Program
from tests.sync.plain_cluster import PlainCluster

ask: Any = calls_gorums.ask
echo: Any = calls_gorums.echo
follow: Any = calls_gorums.follow
note: Any = calls_gorums.note
spread: Any = calls_gorums.spread

SILENT = Text(text="silent", number=1)
passing = gorums.map_response(lambda value, node: value)

BLOCKED: dict[str, Callable[[Any], Any]] = {
    "rpc": lambda config: echo(config[0], SILENT),
    "rpc, intercepted": lambda config: echo(config[0], SILENT, interceptors=[passing]),
    "majority": lambda config: ask(config, SILENT).majority(),
    "majority, intercepted": lambda config: ask(config, SILENT, interceptors=[passing]).majority(),
    "iteration": lambda config: list(ask(config, SILENT)),
    "iteration, intercepted": lambda config: list(ask(config, SILENT, interceptors=[passing])),
    "collect_n": lambda config: follow(config, SILENT).ignore_errors().collect_n(2),
}


def interrupted(call: Callable[[], Any], once: Callable[[], Any] = lambda: None) -> None:
    """Makes a call; Ctrl-C comes when `once` has returned."""
    begun = threading.Event()

    def interrupt() -> None:
        begun.wait(10)
        once()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()

    def begin() -> None:
        begun.set()
        call()

    with pytest.raises(KeyboardInterrupt):
        begin()
    thread.join()


def usable(cluster: PlainCluster) -> None:
    cluster.nothing_is_pending()
    assert all(node.connected for node in cluster.config)
    assert ask(cluster.config, Text(text="after")).all().text == "after"
    assert {len({ctx.peer for ctx in service.contexts}) for service in cluster.services} == {1}, "over the same streams"


@pytest.mark.parametrize("name", BLOCKED)
def test_a_blocked_call(blocking: PlainCluster, name: str) -> None:
    interrupted(lambda: BLOCKED[name](blocking.config), once=lambda: blocking.services[0].has_seen("silent"))
    usable(blocking)


def test_waiting_for_a_correctable_keeps_the_call(blocking: PlainCluster) -> None:
    correctable = ask(blocking.config, Text(text="silent")).correctable(3)
    blocking.all_have_seen("silent")
    for wait in (lambda: correctable.watch(1), correctable.wait, lambda: list(correctable)):
        interrupted(wait)
        assert not correctable.done
    correctable.cancel()
    usable(blocking)


def test_waiting_for_a_future_keeps_the_call(blocking: PlainCluster) -> None:
    future = ask(blocking.config, Text(text="hold-free:x")).async_all()
    interrupted(future.result, once=lambda: blocking.all_have_seen("hold-free:x"))
    for service in blocking.services:
        service.gates["x"].set()
    assert future.result(10).text == "hold-free:x"
    usable(blocking)


def test_other_waits(blocking: PlainCluster) -> None:
    with gorums.sync.connect(["127.0.0.1:1"]) as config:
        interrupted(config.wait_connected)
    interrupted(blocking.servers[0].wait)
    watching = blocking.config.watch(3600, lambda config: config)
    assert next(watching) == blocking.config
    interrupted(lambda: next(watching))
    usable(blocking)


def test_in_an_interceptor(blocking: PlainCluster) -> None:
    """It runs in the thread that waits, as the rest of the caller's code does."""
    ended = []

    def interrupt(call: Any, responses: Iterator[Any]) -> Iterator[Any]:
        try:
            for response in responses:
                signal.raise_signal(signal.SIGINT)
                yield response
        finally:
            ended.append(call.method)

    request = Text(text="ok silent silent")
    calls: list[Callable[[], Any]] = [
        lambda: ask(blocking.config, request, interceptors=[interrupt]).all(),
        lambda: ask(blocking.config, request, interceptors=[interrupt]).collect_all(),
        lambda: echo(blocking.config[0], request, interceptors=[interrupt]),
    ]
    for call in calls:
        with pytest.raises(KeyboardInterrupt):
            call()
    assert len(ended) == 3
    usable(blocking)


ANSWERED: dict[str, Callable[[Any], Any]] = {
    "rpc": lambda config: echo(config[0], Text(text="x")),
    "note": lambda config: note(config[0], Text(text="x")),
    "spread": lambda config: spread(config, Text(text="x"), ignore_errors=True),
    "all": lambda config: ask(config, Text(text="x")).all(),
    "collect_all": lambda config: ask(config, Text(text="x")).collect_all(),
    "async_all": lambda config: ask(config, Text(text="x")).async_all().result(10),
    "intercepted": lambda config: ask(config, Text(text="x"), interceptors=[passing]).all(),
    "correctable": lambda config: ask(config, Text(text="x")).correctable(1).wait(),
}


@pytest.mark.filterwarnings("ignore:a call of .* was never used")  # which is so if it comes before the use
@pytest.mark.parametrize("name", ANSWERED)
def test_at_every_line(blocking: PlainCluster, name: str) -> None:
    """Wherever it comes in our code, in the caller's thread, later calls are not affected."""
    lines = 0
    while interrupted_at(lines, lambda: ANSWERED[name](blocking.config)):
        lines += 1
    assert lines > 10
    usable(blocking)


def interrupted_at(line: int, call: Callable[[], Any]) -> bool:
    """Whether a call runs more than `line` lines of `pygorums.sync`; it is interrupted at the next one."""
    left = line

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal left
        if not frame.f_globals.get("__name__", "").startswith("pygorums.sync") or in_del(frame):
            return None
        if event == "line":
            left -= 1
            if left < 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    try:
        sys.settrace(trace)
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def in_del(frame: FrameType | None) -> bool:
    """Whether Python would swallow an interrupt here, and print it."""
    while frame is not None and frame.f_code.co_name != "__del__":
        frame = frame.f_back
    return frame is not None


PROGRAM = """
from tests.support.plain_calls import PlainCalls

service = PlainCalls()
with gorums.sync.Server(service) as server, gorums.sync.connect([server.start("127.0.0.1:0")]) as config:
    for call in (
        lambda: echo(config[0], Text(text="silent")),
        lambda: ask(config, Text(text="silent")).majority(),
        lambda: list(follow(config, Text(text="silent", number=1))),
        server.wait,
    ):
        try:
            print("waiting", flush=True)
            call()
        except KeyboardInterrupt:
            print("interrupted", config[0].pending, echo(config[0], Text(text="after")).text, flush=True)
    service.open_all()
echo(config[0], Text())
"""


async def test_a_program_in_a_terminal() -> None:
    async with Program(PROGRAM) as program:
        for _ in range(4):
            assert await program.line() == "waiting"
            program.signal(signal.SIGINT)
            assert await program.line() == "interrupted 0 after"
        status, output = await program.ended()
    assert (status, output) == (1, "")
    assert program.errors.strip().splitlines()[-1].startswith("pygorums.base.errors.NodeClosedError")
