"""Configurations that are forgotten without being closed: collected, with a warning, and nothing stays open."""

import asyncio
import gc
import os
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, follow
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK, serving
from tests.support.waiting import until, within

N = 5
"""Configurations that are made and forgotten."""


def open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


async def connect_and_forget(address: str) -> None:
    config = gorums.connect([address, "127.0.0.1:1"], backoff=QUICK)
    await config.wait_connected(1, timeout=10)
    assert (await within(ask(config, Text(text="x")).first())).text == "x"


async def use_a_derived_one(address: str) -> None:
    config = gorums.connect([address, "127.0.0.1:1"], backoff=QUICK)
    await config.wait_connected(1, timeout=10)
    derived = config.remove(2).with_defaults(timeout=10)
    del config
    gc.collect()
    assert (await within(ask(derived, Text(text="x")).all())).text == "x"


async def use_a_node(address: str) -> None:
    node = gorums.connect([address], backoff=QUICK)[0]
    gc.collect()
    assert (await within(echo(node, Text(text="x")))).text == "x"


async def serve_calls_back(address: str) -> None:
    server = gorums.Server(ScriptedCalls())
    config = gorums.connect([address], server=server, backoff=QUICK)
    await config.wait_connected(timeout=10)
    await server.stop()


async def leave_a_call_early(address: str) -> None:
    config = gorums.connect([address], backoff=QUICK)
    call = echo(config[0], Text(text="silent"))
    async for _ in follow(config, Text(text="x", number=3)):
        break
    call.cancel()


USES = [connect_and_forget, use_a_derived_one, use_a_node, serve_calls_back, leave_a_call_early]


@pytest.mark.parametrize("use", USES)
async def test_what_was_forgotten_is_collected(use: Callable[[str], Any]) -> None:
    async with serving(ScriptedCalls()) as address:
        await use_all_once(use, address)
        before, files = asyncio.all_tasks(), open_files()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for _ in range(N):
                await use(address)
            # What is just being written is let go of when that is done.
            await until(lambda: gc.collect() >= 0 and not engine_tasks() - before, "no task is left")
        unclosed = [str(each.message) for each in caught if each.category is ResourceWarning]
        caught.clear()  # they hold on to what they warn of
        assert len(unclosed) == N
        assert all(text.startswith(f"unclosed configuration of {address}") for text in unclosed)
        # Each has two sockets in this process, and gRPC lets go of some a little later.
        await until(lambda: gc.collect() >= 0 and open_files() <= files + 4, "no descriptors are left")


async def use_all_once(use: Callable[[str], Any], address: str) -> None:
    """The first time, things are made that the process keeps."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        await use(address)
        await until(lambda: gc.collect() >= 0 and not engine_tasks(), "no task is left")


def engine_tasks() -> set[asyncio.Task[Any]]:
    return {task for task in asyncio.all_tasks() if "node" in task.get_name() or "close" in task.get_name()}


async def test_a_call_under_way_keeps_its_configuration() -> None:
    service = ScriptedCalls()
    async with serving(service) as address:
        node = gorums.connect([address], backoff=QUICK)[0]
        call = ask(gorums.Configuration([node], node.pool), Text(text="hold:x")).async_all()
        await service.gates["x"].arrivals()
        pool = node.pool
        del node
        gc.collect()
        service.open_all()
        assert (await within(call)).text == "hold:x"
        await pool.close()


async def test_a_closed_one_is_forgotten_in_silence() -> None:
    async with serving(ScriptedCalls()) as address:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            config = gorums.connect([address])
            await within(config.close())
            with pytest.raises(gorums.ConfigurationError):
                gorums.connect([address], channel_options=[("pygorums.nonsense", 1)])
            del config
            gc.collect()


def test_in_the_blocking_world() -> None:
    def forget() -> None:
        config = gorums.sync.connect(["127.0.0.1:1"])
        assert len(config) == 1
        del config
        gc.collect()

    with pytest.warns(ResourceWarning, match="unclosed configuration of 127.0.0.1:1"):
        forget()
