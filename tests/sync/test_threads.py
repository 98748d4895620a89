"""Many threads, event loops beside it, and where the facade must not be called."""

import asyncio
import threading
from concurrent.futures import ALL_COMPLETED, CancelledError, Future, ThreadPoolExecutor, as_completed, wait
from types import SimpleNamespace
from typing import Any

import pytest

import pygorums as gorums
from pygorums.sync.loop_thread import loop_thread
from tests.protos import calls_gorums
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import scripted
from tests.support.plain_calls import PlainCalls, until
from tests.support.waiting import within
from tests.sync.plain_cluster import PlainCluster

ask: Any = calls_gorums.ask
echo: Any = calls_gorums.echo
note: Any = calls_gorums.note
spread: Any = calls_gorums.spread

passing = gorums.map_response(lambda value, node: value)

THREADS = 16
CALLS = 20


def test_many_threads_at_once_and_the_order_of_each(blocking: PlainCluster) -> None:
    """Each thread's calls, of all kinds, arrive everywhere in its order."""
    begin = threading.Barrier(THREADS)
    config = blocking.config

    def work(thread: int) -> None:
        begin.wait(10)
        futures = []
        for n in range(CALLS):
            request = Text(text=f"{thread} {n}", number=n)
            match n % 5:
                case 0:
                    spread(config, request, ignore_errors=True)
                case 1:
                    futures.append(ask(config, request).async_majority())
                case 2:
                    assert ask(config, request, interceptors=[passing]).first().text == request.text
                case 3:
                    spread(config, request)
                case _:
                    assert sorted(ask(config, request).collect_all()) == [1, 2, 3]
        for future in futures:
            assert future.result(10).number in (1, 2, 3)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    ask(config, Text(text="fence")).all()
    for service in blocking.services:
        for thread in range(THREADS):
            mine = [text for text in service.seen if text.startswith(f"{thread} ")]
            assert mine == [f"{thread} {n}" for n in range(CALLS)]
    blocking.nothing_is_pending()


def test_one_responses_object_per_thread_and_one_configuration_for_all(blocking: PlainCluster) -> None:
    """Connecting and closing in several threads at once."""

    def work(n: int) -> str:
        with gorums.sync.connect(blocking.addresses) as config:
            config.wait_connected(timeout=10)
            text: str = ask(config, Text(text=str(n))).all().text
            return text

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(16))) == [str(n) for n in range(16)]


@pytest.mark.parametrize("interceptors", [[], [passing]], ids=["plain", "intercepted"])
def test_futures_with_the_functions_of_concurrent_futures(blocking: PlainCluster, interceptors: list[Any]) -> None:
    def start(text: str) -> "Future[Text]":
        future: Future[Text] = ask(blocking.config, Text(text=text), interceptors=interceptors).async_all()
        return future

    futures = [start("ok"), start("fail"), start("silent")]
    called: list[Future[Text]] = []
    for future in futures:
        future.add_done_callback(called.append)
    blocking.all_have_seen("silent")
    waiting = threading.Thread(target=lambda: wait(futures, 10, ALL_COMPLETED))
    waiting.start()
    assert futures[2].cancel()
    assert futures[2].cancel(), "again"
    waiting.join(5)
    assert not waiting.is_alive(), "who waits for all is told of the cancelled one"
    assert set(as_completed(futures, 10)) == set(futures)
    until(lambda: len(called) == 3)
    assert isinstance(futures[1].exception(), gorums.IncompleteError)
    with pytest.raises(CancelledError):
        futures[2].result()
    blocking.nothing_is_pending()


def test_leaving_a_loop_forgets_the_call(blocking: PlainCluster) -> None:
    for options in ({}, {"interceptors": [passing]}):
        for response in ask(blocking.config, Text(text="ok silent silent"), **options):
            assert response.node_id == 1
            break
        blocking.nothing_is_pending()
        for response in ask(blocking.config, Text(text="silent ok silent"), **options).ignore_errors():
            assert response.node_id == 2
            break
        blocking.nothing_is_pending()


REFUSED: dict[str, Any] = {
    "connect": lambda config: gorums.sync.connect(["127.0.0.1:1"]),
    "rpc": lambda config: echo(config[0], Text()),
    "unicast": lambda config: note(config[0], Text(), ignore_errors=True),
    "multicast": lambda config: spread(config, Text()),
    "quorum call": lambda config: ask(config, Text()),
    "close": lambda config: config.close(),
    "wait_connected": lambda config: config.wait_connected(),
    "pending": lambda config: config[0].pending,
    "server": lambda config: gorums.sync.Server(PlainCalls()),
    "systems": lambda config: gorums.sync.local_systems(1, PlainCalls),
}


def test_in_a_running_event_loop(blocking: PlainCluster) -> None:
    responses = ask(blocking.config, Text())
    used = iter(ask(blocking.config, Text()))

    async def main() -> None:
        for call in REFUSED.values():
            with pytest.raises(RuntimeError, match=r"asyncio API of pygorums here, .*asyncio\.to_thread"):
                call(blocking.config)
        for call in (responses.first, responses.async_first, lambda: next(used)):
            with pytest.raises(RuntimeError, match="asyncio API"):
                call()
        reply = await asyncio.to_thread(lambda: ask(blocking.config, Text(text="thread")).all())
        assert reply.text == "thread"
        # What blocks nothing works here.
        assert blocking.config[0].connected
        assert len(blocking.config[:2]) == 2

    asyncio.run(main())
    assert responses.first().number in (1, 2, 3), "what was refused was not used up"


class _OnTheLoop(ScriptedCalls):
    """Its asynchronous handler runs in the event loop's thread."""

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        ctx.release()
        for call in REFUSED.values():
            with pytest.raises(RuntimeError, match="plain `def` handler"):
                call(ctx.config())
        return request


def test_on_the_event_loop_thread_itself() -> None:
    raised: list[RuntimeError] = []

    def changed(config: Any) -> None:
        try:
            ask(config, Text())
        except RuntimeError as error:
            raised.append(error)

    with gorums.sync.Server(_OnTheLoop(), node_id=1, peers=["127.0.0.1:1"], on_config_change=changed) as server:
        with gorums.sync.connect([server.start("127.0.0.1:0")]) as config:
            assert echo(config[0], Text(text="refused everything"), timeout=10).text == "refused everything"
        assert ask(server.config(), Text(text="x")).all().text == "x"
    assert ["plain `def` handler" in str(error) for error in raised] == [True]


def test_threads_that_share_one_with_the_event_loop(blocking: PlainCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """As gevent's patched ones do: they find its loop running, and are not its thread."""
    thread = loop_thread()
    monkeypatch.setattr("pygorums.sync.loop_thread.threading", SimpleNamespace(current_thread=threading.main_thread))
    with pytest.raises(
        RuntimeError, match=r"greenlets .* gevent\.monkey\.patch_all\(thread=False, select=False, queue="
    ):
        thread.call(lambda: ask(blocking.config, Text()).first())


async def test_both_worlds_in_one_process() -> None:
    """An asyncio application in one loop, the facade's loop in its thread; each calls the other's servers."""
    async with scripted(3) as cluster:

        def blocking_part(addresses: list[str]) -> list[str]:
            with gorums.sync.Server(PlainCalls(7)) as server, gorums.sync.connect(addresses) as config:
                config.wait_connected(timeout=10)
                address.set_result(server.start("127.0.0.1:0"))
                texts = [ask(config, Text(text=str(n))).all().text for n in range(50)]
                assert finish.wait(10)
                return texts

        address: Future[str] = Future()
        finish = threading.Event()
        part = asyncio.create_task(asyncio.to_thread(blocking_part, list(cluster.addresses)))
        async with gorums.connect([await within(asyncio.wrap_future(address))]) as other:
            for n in range(50):
                assert (await within(ask(cluster.config, Text(text=f"a{n}")).majority())).text == f"a{n}"
                assert (await within(echo(other[0], Text(text=str(n))))).number == 7
        finish.set()
        assert await within(part) == [str(n) for n in range(50)]


async def test_nodes_of_one_world_in_the_other() -> None:
    async with scripted(1) as cluster:

        def in_a_thread() -> None:
            with pytest.raises(RuntimeError, match="in another thread than that of its nodes' event loop"):
                echo(cluster.node, Text())
            with gorums.sync.connect(cluster.addresses) as config:
                with pytest.raises(TypeError):
                    config | cluster.config
                assert config != cluster.config
                assert config[0] != cluster.node
            with pytest.raises(TypeError, match=r"must be a pygorums\.sync\.Server"):
                gorums.sync.connect(cluster.addresses, server=cluster.servers[0])

        await asyncio.to_thread(in_a_thread)


def test_addresses_may_come_from_code_that_blocks(blocking: PlainCluster) -> None:
    """A generator is the caller's code, and runs in the caller's thread."""
    quiet = (node.address for node in blocking.config if node.pending == 0)
    with gorums.sync.connect(quiet) as config:
        assert len(config) == 3
