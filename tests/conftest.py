"""What every test of the suite must leave behind: nothing.

A test fails when, after its fixtures are gone, an asyncio task or a thread is still there that was
not there before, or when asyncio reported an error that nobody looked at. Async tests run in
asyncio's debug mode (`asyncio_debug` in pyproject.toml), which this file only verifies.
"""

import asyncio
import gc
import inspect
import logging
import sys
import threading
from collections.abc import AsyncIterator, Generator, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.batching import MODES, set_batching
from tests.support.eager import AVAILABLE, use_eager_tasks
from tests.support.leaks import AsyncioErrors, wait_for_tasks, wait_for_threads
from tests.support.order import long_ones_first
from tests.support.sessions import set_sessions
from tests.support.signals import HeardSignals
from tests.support.stacks import keep_stacks_short
from tests.support.transports import set_transport

_asyncio_errors = AsyncioErrors()
_signals = HeardSignals()
_after_failure = pytest.StashKey[bool]()
_threads_before = pytest.StashKey[AbstractSet[object]]()
_file = pytest.StashKey[Path]()


_patch = pytest.MonkeyPatch()

# How long one example takes says how busy the machine is.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--batching", choices=MODES, default="on", help="whether streams batch; tests of that are left out"
    )
    parser.addoption("--sessions", choices=("on", "off"), default="on", help="whether configurations keep sessions")
    parser.addoption("--transport", choices=("grpc", "asyncio", "mixed"), help="what carries the streams")
    parser.addoption("--eager-tasks", action="store_true", help="run event loops with asyncio.eager_task_factory")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "batching: the test is about streams that batch")
    keep_stacks_short(_patch)
    set_batching(config.getoption("--batching"), _patch)
    set_sessions(config.getoption("--sessions"), _patch)
    if (transport := config.getoption("--transport")) is not None:
        set_transport(transport, _patch)
    if config.getoption("--eager-tasks"):
        if not AVAILABLE:
            raise pytest.UsageError("--eager-tasks needs Python 3.12 or later")
        use_eager_tasks()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--batching") != "on":
        items[:] = [item for item in items if item.get_closest_marker("batching") is None]
    long_ones_first(items)


def is_about_the_program(record: logging.LogRecord) -> bool:
    """Not about how busy the machine is, as what asyncio says of callbacks that took long."""
    return not record.getMessage().startswith("Executing <")


def pytest_sessionstart() -> None:
    logging.getLogger("asyncio").addFilter(is_about_the_program)
    _asyncio_errors.attach()
    _signals.listen()


def pytest_sessionfinish() -> None:
    _signals.undo()
    _patch.undo()
    _asyncio_errors.detach()


@pytest.fixture
async def _no_leaked_tasks(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    assert loop.get_debug(), "asyncio's debug mode is off: is asyncio_debug missing in pyproject.toml?"
    before = asyncio.all_tasks()
    yield
    leaked = await wait_for_tasks(asyncio.all_tasks() - before - {asyncio.current_task()})
    if leaked and not request.session.stash.get(_after_failure, False):
        pytest.fail("the test leaked asyncio tasks:\n" + "\n".join(f"  {task!r}" for task in leaked))


@pytest.fixture(autouse=True)
def _watch_tasks(request: pytest.FixtureRequest) -> None:
    # Set up before the test's own fixtures, and so torn down after them. Tests that are not async
    # have no loop to look at.
    if inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
        request.getfixturevalue("_no_leaked_tasks")


@pytest.fixture
def asyncio_errors() -> AsyncioErrors:
    """What asyncio reported during this test; a test that expects reports takes them out with `take`."""
    return _asyncio_errors


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.session.stash[_after_failure] = True
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    if item.session.stash.get(_after_failure, False):
        # What a failed test left behind goes now, and is not the fault of this one. pytest keeps the traceback
        # for post-mortem debuggers, and with it everything that the test held.
        for name in ("last_type", "last_value", "last_traceback", "last_exc"):
            sys.__dict__.pop(name, None)
        gc.collect()
        item.session.stash[_after_failure] = False
    if item.session.stash.get(_file, None) != item.path:
        # What is there between two files, as modules and caches, lives as long as the session. Frozen, it is not looked
        # at again by the collection after each test, which then takes a quarter of a millisecond instead of fifty.
        item.session.stash[_file] = item.path
        gc.collect()
        gc.freeze()
    item.stash[_threads_before] = set(threading.enumerate())
    _asyncio_errors.take()
    yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    # Not a fixture: this runs after the event loop and its executor have been closed.
    yield
    if item.session.stash.get(_after_failure, False):
        return  # it has said what was wrong
    gc.collect()  # "… was never retrieved" is reported when the object goes
    if errors := _asyncio_errors.take():
        pytest.fail("asyncio reported errors:\n" + "\n".join(errors))
    if leaked := wait_for_threads(t for t in threading.enumerate() if t not in item.stash[_threads_before]):
        pytest.fail("the test leaked threads:\n" + "\n".join(f"  {thread!r}" for thread in leaked))
