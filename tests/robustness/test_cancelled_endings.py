"""Starts, stops and closes whose caller is cancelled or interrupted: the work goes on, and the next caller joins it."""

import asyncio
import signal
from collections.abc import Awaitable

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK, connected, serving
from tests.support.program import Program
from tests.support.waiting import turns, until, within


async def cancelled(waiting: Awaitable[object], steps: int = 3) -> None:
    """Has somebody begin to wait, who is cancelled a few turns of the loop later."""
    task = asyncio.ensure_future(waiting)
    await turns(steps)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class Held:
    """A server, or a system of one, that handles a request which does not end by itself."""

    def __init__(self, target: gorums.Server | gorums.System, service: ScriptedCalls, address: str) -> None:
        self.target = target
        self.service = service
        self.address = address

    @classmethod
    async def server(cls) -> "Held":
        service = ScriptedCalls()
        server = gorums.Server(service)
        return cls(server, service, await server.start("127.0.0.1:0"))

    @classmethod
    async def system(cls) -> "Held":
        service = ScriptedCalls()
        system = gorums.System("127.0.0.1:0", service, node_id=1, peers=["127.0.0.1:1"])
        return cls(system, service, await system.start())


KINDS = {"server": Held.server, "system": Held.system}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("joined", [True, False])
async def test_a_stop_with_grace_goes_on_without_its_caller(kind: str, joined: bool) -> None:
    held = await KINDS[kind]()
    async with connected([held.address]) as config:
        call = echo(config[0], Text(text="hold:x"))
        await held.service.gates["x"].arrivals()
        await cancelled(held.target.stop(600))
        again = asyncio.ensure_future(held.target.stop(300)) if joined else None
        await turns()
        assert not call.done()
        held.service.open_all()
        assert (await within(call)).text == "hold:x"
        if again is not None:
            await within(again)
        await within(held.target.stop(300))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_later_stop_brings_the_end_forward(kind: str) -> None:
    held = await KINDS[kind]()
    async with connected([held.address]) as config:
        call = echo(config[0], Text(text="hold:x"))
        await held.service.gates["x"].arrivals()
        patient = asyncio.ensure_future(held.target.stop(600))
        await turns()
        await cancelled(held.target.stop(300))
        assert not call.done()
        await within(held.target.stop())
        await within(patient)
        with pytest.raises(gorums.StatusError):
            await within(call)


@pytest.mark.parametrize("kind", KINDS)
async def test_two_stops_at_once_of_which_the_first_is_cancelled(kind: str) -> None:
    held = await KINDS[kind]()
    first, second = (asyncio.ensure_future(held.target.stop()) for _ in range(2))
    await turns(1)
    first.cancel()
    await within(second)
    await within(held.target.stop())
    if isinstance(held.target, gorums.Server):
        await within(held.target.wait())


async def test_leaving_a_server_in_haste() -> None:
    """A stop that is cancelled at each of its first steps leaves nothing that hangs, nor the exit of ``async with``."""
    for steps in range(12):
        service = ScriptedCalls()
        async with gorums.Server(service) as server, connected([await server.start("127.0.0.1:0")]) as config:
            call = echo(config[0], Text(text="hold:x"))
            await service.gates["x"].arrivals()
            stop = asyncio.ensure_future(server.stop(0.05))
            await turns(steps)
            stop.cancel()
        await within(server.wait())
        with pytest.raises(gorums.StatusError):
            await within(call)


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 5])
async def test_a_start_whose_caller_leaves(steps: int) -> None:
    server = gorums.Server(ScriptedCalls())
    start = asyncio.ensure_future(server.start("127.0.0.1:0"))
    await turns(steps)
    start.cancel()
    await asyncio.wait({start})
    if start.cancelled():
        address = await within(server.start("127.0.0.1:0"))
    else:
        address = start.result()
    async with connected([address]) as config:
        assert (await within(echo(config[0], Text(text="x")))).text == "x"
    await within(server.stop())


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 5, 8])
async def test_a_system_whose_start_is_cancelled_is_stopped(steps: int) -> None:
    system = gorums.System("127.0.0.1:0", ScriptedCalls(), node_id=1, peers=["127.0.0.1:1"])

    async def use() -> None:
        async with system:
            await asyncio.Event().wait()

    using = asyncio.ensure_future(use())
    await turns(steps)
    using.cancel()
    with pytest.raises(asyncio.CancelledError):
        await within(using)
    await within(system.stop())


@pytest.mark.parametrize("steps", range(0, 40, 4))
async def test_local_systems_that_are_left_in_haste(steps: int) -> None:
    service = ScriptedCalls()

    async def use() -> None:
        async with gorums.local_systems(3, lambda _: service, backoff=QUICK):
            await turns(1)

    using = asyncio.ensure_future(use())
    await turns(steps)
    using.cancel()
    await asyncio.wait({using}, timeout=10)
    assert using.done()


async def test_a_close_goes_on_without_its_caller() -> None:
    """While a handler keeps the stream busy a close takes a while."""
    service = ScriptedCalls()
    async with serving(service) as address:
        async with connected([address]) as config:
            call = echo(config[0], Text(text="hold:x"))
            await service.gates["x"].arrivals()
            await cancelled(config.close())
            assert isinstance(call.exception(), gorums.NodeClosedError)
            await cancelled(config.close())
            service.open_all()
            await within(config.close())
        await until(lambda: not any("pygorums node" in task.get_name() for task in asyncio.all_tasks()))


async def test_leaving_a_configuration_when_the_time_is_up() -> None:
    service = ScriptedCalls()
    async with serving(service) as address:
        for _ in range(5):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05), gorums.connect([address]) as config:
                    await echo(config[0], Text(text="hold:x"))
            assert config[0].channel.closed
        service.open_all()
        await until(lambda: not any("pygorums" in task.get_name() for task in others()))


def others() -> set[asyncio.Task[object]]:
    """The engine's tasks but those of the server."""
    return {task for task in asyncio.all_tasks() if "node" in task.get_name() or "close" in task.get_name()}


TWICE = """
async def main():
    service = ScriptedCalls()
    server = gorums.Server(service)
    config = gorums.connect([await server.start("127.0.0.1:0")])
    call = echo(config[0], Text(text="hold:x"))
    await service.gates["x"].arrivals()
    print("ready", flush=True)
    try:
        await server.wait()
    finally:
        asyncio.get_running_loop().call_later(0.05, print, "stopping")
        asyncio.get_running_loop().call_later(0.05, sys.stdout.flush)
        await server.stop(600)

try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("ended")
"""

TWICE_BLOCKING = """
import threading, time

class Calls(ScriptedCalls):
    def spread(self, ctx, request):
        threading.Event().wait()

def tell(what, function):
    # Once the main thread is deep in it.
    def wait():
        while not (frame := sys._current_frames()[threading.main_thread().ident]).f_code.co_name == "wait" or (
            frame.f_back.f_back.f_code.co_name != function
        ):
            time.sleep(0.01)
        print(what, flush=True)
    threading.Thread(target=wait, daemon=True).start()

with gorums.sync.Server(Calls()) as server:
    with gorums.sync.connect([server.start("127.0.0.1:0")]) as config:
        spread(config, Text())
        tell("ready", "wait")
        try:
            server.wait()
        except KeyboardInterrupt:
            tell("stopping", "finish")
            try:
                server.stop(600)
            except KeyboardInterrupt:
                print("ended")
"""


@pytest.mark.parametrize("source", [TWICE, TWICE_BLOCKING], ids=["asyncio", "blocking"])
async def test_ctrl_c_twice(source: str) -> None:
    async with Program(source) as program:
        for expected in ("ready", "stopping"):
            assert await program.line() == expected
            program.signal(signal.SIGINT)
        status, output = await program.ended()
    assert (status, output.split(), program.errors) == (0, ["ended"], "")
