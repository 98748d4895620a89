"""How much there may be of everything: calls, bytes, clients, nodes."""

import asyncio
import resource
from collections.abc import Iterator, Sequence
from time import perf_counter

import grpc
import grpc.aio
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.status_pb2 import Status

import pygorums as gorums
from pygorums.streams.heartbeat import Heartbeat
from pygorums.streams.send_queue import SendQueue
from pygorums.streams.writer import Writer
from pygorums.transports.telling import Telling
from tests.protos.calls_gorums import CallsServer, ask, echo, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import QUICK, connected, scripted, serving
from tests.support.frames import NODE_STREAM, envelope, reply, request
from tests.support.scripted_client import ScriptedClient
from tests.support.scripted_server import ScriptedServer, ServerStream, swallow
from tests.support.waiting import turns, until, within


@pytest.fixture
def _many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192 if hard == resource.RLIM_INFINITY else min(8192, hard)
    if wanted < 4096:
        pytest.skip(f"a process may have no more than {hard} open files here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_hundred_thousand_pending_calls() -> None:
    """Neither a call nor giving one up gets dearer the more there are."""
    asyncio.get_running_loop().set_debug(False)  # it keeps a traceback for every timer
    count = 100_000
    async with ScriptedServer(swallow) as server, connected([server.address], send_buffer=1 << 30) as config:
        node = config[0]

        def start(number: int) -> tuple[list[asyncio.Future[Text]], float]:
            begin = perf_counter()
            calls = [echo(node, Text(number=n), timeout=600) for n in range(number)]
            return calls, perf_counter() - begin

        calls, first_tenth = start(count // 10)
        more, rest = start(count - len(calls))
        calls += more
        assert node.pending == count
        assert rest < 9 * first_tenth * 3 + 1
        begin = perf_counter()
        for call in calls[::2]:
            call.cancel()
        assert perf_counter() - begin < 10
        assert node.pending == count // 2
    for call in calls[1::2]:
        assert isinstance(call.exception(), gorums.NodeClosedError)


async def test_many_timeouts_at_once() -> None:
    asyncio.get_running_loop().set_debug(False)
    async with ScriptedServer(swallow) as server, connected([server.address], send_buffer=1 << 30) as config:
        calls = [echo(config[0], Text(number=n), timeout=0.01) for n in range(20_000)]
        await within(asyncio.wait(calls), 30)
        assert all(isinstance(call.exception(), TimeoutError) for call in calls)
        assert config[0].pending == 0


BIG = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


async def test_a_message_of_64_mebibytes_where_it_is_allowed() -> None:
    data = bytes(64 << 20)
    async with (
        serving(ScriptedCalls(), options=BIG) as address,
        connected([address], channel_options=BIG, send_buffer=1 << 28) as config,
    ):
        assert (await within(echo(config[0], Text(data=data)), 30)).data == data
        assert (await within(echo(config[0], Text(text="after")))).text == "after"


@pytest.mark.parametrize(("session", "said"), [(None, "larger than"), (gorums.Session(), "takes messages of up to")])
async def test_a_message_larger_than_the_server_takes_is_named_by_the_error(
    session: gorums.Session | None, said: str
) -> None:
    """The client was told to send it: the server ends the stream, and others are sent again; or it tells its limit."""
    async with (
        serving(ScriptedCalls()) as address,
        connected([address], channel_options=BIG, session=session) as config,
    ):
        with pytest.raises(gorums.StatusError) as caught:
            await within(echo(config[0], Text(data=bytes(5 << 20))))
        assert caught.value.code == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert address in str(caught.value)
        assert said in str(caught.value)
        await config.wait_connected(timeout=10)
        assert (await within(echo(config[0], Text(text="after")))).text == "after"


async def test_fifty_nodes_in_one_configuration() -> None:
    async with scripted(50) as cluster:
        replies = await within(ask(cluster.config, Text(text="x")).collect_all())
        assert {node_id: reply.number for node_id, reply in replies.items()} == {n: n for n in range(1, 51)}
        await within(spread(cluster.config, Text(text="y")))
        await within(ask(cluster.config, Text(text="z")).all())
        assert all(service.seen == ["x", "y", "z"] for service in cluster)


@pytest.mark.usefixtures("_many_files")
async def test_a_thousand_clients_of_one_server() -> None:
    asyncio.get_running_loop().set_debug(False)
    count = 1000
    async with serving(ScriptedCalls()) as address:
        configs = [gorums.connect([address], backoff=QUICK) for _ in range(count)]
        try:
            # On a busy machine an attempt may fail; the next one does not.
            await within(asyncio.gather(*(config.wait_connected() for config in configs)), 40)
            calls = [echo(config[0], Text(number=n, text=str(n))) for n, config in enumerate(configs)]
            replies = await within(asyncio.gather(*calls), 30)
            assert [reply.text for reply in replies] == [str(n) for n in range(count)]
        finally:
            await within(asyncio.gather(*(config.close() for config in configs)), 30)


class Generous(CallsServer):
    """Answers small questions with large replies."""

    def __init__(self) -> None:
        self.handled = 0

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        if not request.text:
            self.handled += 1
            return Text(data=bytes(64 << 10))
        return request

    async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        raise NotImplementedError

    follow = note = spread = ask  # type: ignore[assignment]  # not called


@pytest.mark.parametrize("together", [pytest.param(True, marks=pytest.mark.batching), False])
async def test_replies_to_a_client_that_takes_none_are_bounded(together: bool) -> None:
    """Also if its requests came in one envelope: they are not handled before it takes replies again."""
    count = 1000
    service = Generous()
    async with serving(service) as address, connected([address]) as other:
        channel = grpc.aio.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)])
        stream: object = channel.stream_stream(NODE_STREAM)
        call = stream(metadata=[("pygorums-batch", "1")])  # type: ignore[operator]  # types-grpcio knows no bytes in, bytes out
        requests = [request(n + 1, "calls.Calls.Echo") for n in range(count)]
        if together:
            await within(call.write(envelope(*requests).SerializeToString()))
        else:
            for message in requests:
                await within(call.write(message.SerializeToString()))
        await until(lambda: service.handled > 50)
        for n in range(100):
            assert (await within(echo(other[0], Text(text=str(n))))).text == str(n)
        assert service.handled < 400, "that many replies of 64 KiB are held in memory"
        received = 0
        while service.handled < count or received < count * (64 << 10):
            received += len(await within(call.read()))
        call.cancel()
        await channel.close()


async def test_a_send_buffer_is_the_bound_of_what_waits_for_a_node() -> None:
    """A server that takes nothing: what does not fit is refused at once, and what fits waits."""

    async def script(stream: object) -> None:
        await asyncio.Event().wait()

    async with ScriptedServer(script) as server, connected([server.address], send_buffer=1 << 20) as config:
        calls = [note(config[0], Text(data=bytes(10_000))) for _ in range(1000)]
        await turns(20)
        refused = [call for call in calls if call.done() and call.exception() is not None]
        assert len(refused) > 800
        error = refused[-1].exception()
        assert isinstance(error, gorums.SendError)
        assert error.caused_by(grpc.StatusCode.RESOURCE_EXHAUSTED)
        assert server.address in str(error)
        await within(config.close())
        await within(asyncio.wait(calls))
        for call in calls:
            call.exception()


async def test_heartbeats_do_not_pile_up_for_a_client_that_takes_nothing() -> None:
    class TakesNothing(Telling):
        at_once = 0
        heard_at = 0.0

        def write(self, messages: Sequence[bytes], /) -> bool:
            return False

    queue = SendQueue(0, 1 << 62)
    writer = Writer(queue, TakesNothing())
    writer.begin()
    heartbeat = Heartbeat(queue, 600)
    for _ in range(100):
        heartbeat._timer.cancel()
        heartbeat._beat()
        await turns(2)
    assert len(queue.waiting()) <= 1
    heartbeat.stop()
    writer.stop()


@pytest.mark.parametrize(("count", "code"), [(10_000, 0), (10_001, 8)])
async def test_so_many_pairs_of_metadata(count: int, code: int) -> None:
    """Millions of empty ones would fit in a message, and take seconds to be read. What has too many is not handled."""
    service = ScriptedCalls()
    async with serving(service) as address, ScriptedClient(address) as client:
        await client.send(
            request(1, "calls.Calls.Echo", Text(text="ok").SerializeToString(), [("key", "value")] * count)
        )
        answer = await client.receive()
        assert answer.status.code == code, answer.status.message
        assert service.seen == ([] if code else ["ok"])
        assert [len(ctx.metadata.get_all("key")) for ctx in service.contexts] == ([] if code else [count])


async def test_so_many_details_of_a_status_are_taken() -> None:
    async def script(stream: ServerStream) -> None:
        while (frame := await stream.receive()) is not None:
            status = Status(code=9, message="full", details=[AnyMessage()] * 100_000)
            await stream.send(reply(frame, status=status))

    async with ScriptedServer(script) as server, connected([server.address]) as config:
        with pytest.raises(gorums.StatusError) as caught:
            await within(echo(config[0], Text()))
        assert len(caught.value.details) == 1000
