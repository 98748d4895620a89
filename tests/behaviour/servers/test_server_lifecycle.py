"""Servers: started, given services, stopped with and without grace."""

import asyncio
import contextlib
from typing import Any

import grpc
import grpc.aio
import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster, connected, serving
from tests.support.scripted_client import ScriptedClient
from tests.support.waiting import turns, until, within


async def test_it_tells_where_it_listens() -> None:
    server = gorums.Server(ScriptedCalls(), transport="grpc")
    address = await server.start("127.0.0.1:0")
    host, _, port = address.rpartition(":")
    assert (host, int(port) > 0) == ("127.0.0.1", True)
    assert server.address == address
    assert isinstance(server.grpc_server, grpc.aio.Server)
    await server.stop()


async def test_a_port_that_is_taken(one: Cluster[ScriptedCalls]) -> None:
    server = gorums.Server(ScriptedCalls())
    with pytest.raises(OSError, match=one.addresses[0]):
        await server.start(one.addresses[0])
    await server.stop()
    assert (await within(echo(one.node, Text(text="still there")))).text == "still there"


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:99999", "127.0.0.1:port", ""])
async def test_an_address_that_is_none(address: str) -> None:
    server = gorums.Server(ScriptedCalls())
    with pytest.raises(gorums.ConfigurationError):
        await server.start(address)
    await server.stop()


async def test_async_with_stops() -> None:
    async with gorums.Server(ScriptedCalls()) as server:
        address = await server.start("127.0.0.1:0")
        async with connected([address]) as config:
            assert (await within(echo(config[0], Text(text="x")))).text == "x"
    async with ScriptedClient(address) as client:
        assert (await client.ended())[0] == grpc.StatusCode.UNAVAILABLE


async def test_services_can_be_registered_later(one: Cluster[ScriptedCalls]) -> None:
    server = gorums.Server()
    address = await server.start("127.0.0.1:0")
    try:
        async with connected([address]) as config:
            with pytest.raises(gorums.StatusError):
                await within(echo(config[0], Text()))
            server.register(ScriptedCalls(5))
            assert (await within(echo(config[0], Text()))).number == 5
    finally:
        await server.stop()


async def test_what_is_no_service() -> None:
    nothing: Any = object()
    with pytest.raises(TypeError):
        gorums.Server(nothing)
    with pytest.raises(TypeError):
        gorums.Server().register(nothing)


async def test_a_method_is_registered_once() -> None:
    server = gorums.Server(ScriptedCalls())
    with pytest.raises(ValueError, match=r"calls\.Calls"):
        server.register(ScriptedCalls())


async def test_waiting_until_it_is_stopped() -> None:
    server = gorums.Server(ScriptedCalls())
    await server.start("127.0.0.1:0")
    waiting = asyncio.create_task(server.wait())
    with pytest.raises(TimeoutError):
        await within(asyncio.shield(waiting), 0.02)
    await server.stop()
    await within(waiting)


async def test_stopping_twice_and_before_the_start() -> None:
    server = gorums.Server(ScriptedCalls())
    await within(server.stop())
    server = gorums.Server(ScriptedCalls())
    await server.start("127.0.0.1:0")
    await within(asyncio.gather(server.stop(), server.stop(1)))
    await within(server.stop())


async def test_the_port_is_free_after_a_stop(one: Cluster[ScriptedCalls]) -> None:
    await within(one.servers[0].stop())
    server = gorums.Server(ScriptedCalls(2))
    assert await server.start(one.addresses[0]) == one.addresses[0]
    await within(server.stop())


async def test_stopping_without_grace_ends_what_is_going_on(one: Cluster[ScriptedCalls]) -> None:
    call = echo(one.node, Text(text="hold:x"))
    await one.service.gates["x"].arrivals()
    await within(one.servers[0].stop())
    with pytest.raises(gorums.StatusError) as error:
        await within(call)
    assert error.value.code == grpc.StatusCode.UNAVAILABLE
    assert error.value.node_id == 1


async def test_stopping_with_grace_answers_what_is_going_on(three: Cluster[ScriptedCalls]) -> None:
    calls = [echo(three.node, Text(text=f"hold-free:{n}")) for n in range(5)]
    quorum = ask(three.config, Text(text="hold-free:q ok ok")).async_all()
    for n in (*range(5), "q"):
        await three.service.gates[str(n)].arrivals()
    stopping = asyncio.create_task(three.servers[0].stop(grace=30))
    with pytest.raises(TimeoutError):
        await within(asyncio.shield(stopping), 0.05)
    three.service.open_all()
    await within(stopping)
    replies = await within(asyncio.gather(*calls))
    assert [reply.text for reply in replies] == [f"hold-free:{n}" for n in range(5)]
    assert (await within(quorum)).text == "hold-free:q ok ok"


async def test_grace_ends(one: Cluster[ScriptedCalls]) -> None:
    call = echo(one.node, Text(text="hold:x"))
    await one.service.gates["x"].arrivals()
    await within(one.servers[0].stop(grace=0.05))
    with pytest.raises(gorums.StatusError):
        await within(call)


@pytest.mark.parametrize("grace", ["3", 10**400, float("nan"), -float("inf")])
async def test_a_grace_that_is_no_number_of_seconds(grace: Any) -> None:
    system = gorums.System("127.0.0.1:0", ScriptedCalls(), node_id=1, peers=["127.0.0.1:9"])
    for target in (gorums.Server(ScriptedCalls(), address="127.0.0.1:0"), system):
        for attempt in (target.stop(grace), gorums.serve(target, grace=grace)):
            with pytest.raises((TypeError, ValueError), match="grace must be"):
                await within(attempt)
        await target.stop()


async def test_who_watches_the_health_of_a_service_uses_up_no_grace() -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def watch(request: bytes, ctx: Any) -> Any:
        yield request
        await asyncio.Event().wait()

    async def check(request: bytes, ctx: Any) -> bytes:
        asked.set()
        await answer.wait()
        return request

    server = gorums.Server(ScriptedCalls())
    methods: dict[str, Any] = {
        "Watch": grpc.unary_stream_rpc_method_handler(watch),
        "Check": grpc.unary_unary_rpc_method_handler(check),
    }
    health = grpc.method_handlers_generic_handler("grpc.health.v1.Health", methods)
    server.grpc_server.add_generic_rpc_handlers([health])
    address = await server.start("127.0.0.1:0")
    async with grpc.aio.insecure_channel(address) as opened:
        channel: Any = opened  # its messages are bytes
        watching = channel.unary_stream("/grpc.health.v1.Health/Watch")(b"x")
        assert await within(watching.read()) == b"x"
        checked = channel.unary_unary("/grpc.health.v1.Health/Check")(b"y")
        await within(asked.wait())
        stopping = asyncio.create_task(server.stop(3600))
        await turns(20)
        assert not stopping.done()  # the other one is waited for
        answer.set()
        await within(stopping)
        assert await within(checked) == b"y"
        assert await within(watching.code()) == grpc.StatusCode.UNAVAILABLE


async def test_idle_clients_use_up_no_grace(three: Cluster[ScriptedCalls]) -> None:
    await within(ask(three.config, Text(text="x")).all())
    async with ScriptedClient(three.addresses[0]) as client:
        await within(three.servers[0].stop(grace=60))
        await client.ended()
    for server in three.servers[1:]:
        await within(server.stop(grace=60))


@pytest.mark.parametrize("steps", [0, 1, 2, 4, 8, 16, 32])
async def test_a_stream_that_is_just_being_opened_uses_up_no_grace(steps: int) -> None:
    server = gorums.Server(ScriptedCalls())
    address = await server.start("127.0.0.1:0")
    clients = [gorums.connect([address]) for _ in range(3)]
    await asyncio.wait([asyncio.ensure_future(config.wait_connected()) for config in clients], timeout=10)
    late = [gorums.connect([address]) for _ in range(3)]
    await turns(steps)
    await within(server.stop(grace=60))
    for config in (*clients, *late):
        await within(config.close())


async def test_a_stop_closes_the_streams(one: Cluster[ScriptedCalls]) -> None:
    await within(one.servers[0].stop())
    await until(lambda: not one.node.connected)


async def test_handlers_that_ignore_cancellation_do_not_block_a_stop(one: Cluster[ScriptedCalls]) -> None:
    class Stubborn(ScriptedCalls):
        async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
            self.gates["in"].let()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            return request

    service = Stubborn()
    server = gorums.Server(service)
    address = await server.start("127.0.0.1:0")
    async with connected([address]) as config:
        call = echo(config[0], Text(text="x"))
        await within(service.gates["in"].enter())
        await within(server.stop())
        with contextlib.suppress(gorums.StatusError):
            await within(call)


async def test_many_streams_end_with_the_server() -> None:
    server = gorums.Server(ScriptedCalls())
    address = await server.start("127.0.0.1:0")
    configs = [gorums.connect([address]) for _ in range(20)]
    for config in configs:
        await config.wait_connected(timeout=10)
        await within(note(config[0], Text(text="x")))
    await within(server.stop(grace=60))
    for config in configs:
        await within(config.close())


async def test_a_server_is_started_once(one: Cluster[ScriptedCalls]) -> None:
    with pytest.raises(RuntimeError):
        await one.servers[0].start("127.0.0.1:0")
    assert (await within(echo(one.node, Text(text="x")))).text == "x"


async def test_on_connect_may_take_its_time_and_may_fail(caplog: pytest.LogCaptureFixture) -> None:
    let_in = asyncio.Event()

    async def wait(ctx: gorums.StreamContext) -> None:
        await let_in.wait()
        raise ZeroDivisionError("by nothing")

    service = ScriptedCalls()
    async with serving(service, on_connect=wait) as address, gorums.connect([address]) as config:
        call = echo(config[0], Text(text="x"))
        with pytest.raises(TimeoutError):
            await within(asyncio.shield(call), 0.05)
        assert service.seen == []
        let_in.set()
        assert (await within(call)).text == "x"
    assert "by nothing" in caplog.text


async def test_on_connect_runs_for_each_stream_before_its_first_message() -> None:
    events: list[str] = []

    class Logging(ScriptedCalls):
        async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
            events.append(request.text)
            return request

    def connected_now(ctx: gorums.StreamContext) -> None:
        events.append("connected " + ctx.metadata["name"])

    server = gorums.Server(Logging(), on_connect=connected_now)
    address = await server.start("127.0.0.1:0")
    for name in ("a", "b"):
        async with connected([address], metadata={"name": name}) as config:
            await within(echo(config[0], Text(text=name)))
    await server.stop()
    assert events == ["connected a", "a", "connected b", "b"]
