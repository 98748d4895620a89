"""Requests over streams that carry requests both ways: whoever handles them slowly brakes whoever sends them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

import pygorums as gorums
from pygorums.serving import farewell
from pygorums.serving.backlog import Backlog
from pygorums.streams import window
from pygorums.streams.send_queue import SendQueue
from pygorums.wire.framing import Frame, Message
from tests.behaviour.sessions.broken import SAME_ENDS, Ends, Line, line
from tests.protos.calls_gorums import ask, echo, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.waiting import until, within

KIB = 1 << 10
WINDOW = 128 * KIB
LARGE = bytes(5 * KIB)
BOUND = WINDOW * 5 // 4 + 80 * KIB
"""Bytes that may wait: the window, a quarter of which is not told, and what comes in one piece of an envelope."""


class Most:
    """Notes the most that ever waited at any end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bytes = 0
        put = Backlog.put

        def noted(
            backlog: Backlog, requests: Sequence[Message | Frame], size: int, now: float = 0.0
        ) -> Sequence[Message | Frame]:
            refused = put(backlog, requests, size, now)
            self.bytes = max(self.bytes, backlog.bytes)
            return refused

        monkeypatch.setattr(Backlog, "put", noted)


@pytest.fixture
def most(monkeypatch: pytest.MonkeyPatch) -> Most:
    """With a small window."""
    monkeypatch.setattr(window, "WINDOW", WINDOW)
    return Most(monkeypatch)


@asynccontextmanager
async def both_ways(own: ScriptedCalls, ends: Ends | None = None, **options: Any) -> AsyncIterator[Line]:
    """A client that serves calls back."""
    answers = gorums.Server(own)
    async with line(answers=answers, ends=ends, **options) as one:
        await until(lambda: len(one.server.client_config()) == 1)
        try:
            yield one
        finally:
            own.open_all()
    await within(answers.stop())


def back(one: Line) -> gorums.Node:
    return one.server.client_config()[0]


def queue_to(node: gorums.Node) -> SendQueue:
    channel: Any = node.channel
    queue: SendQueue = channel._latest.queue if node.channel.inbound else channel._queue
    return queue


@SAME_ENDS
@pytest.mark.parametrize("calls_back", [True, False], ids=["calls back", "calls"])
async def test_a_slow_handler_brakes_who_sends_to_it(ends: Ends, calls_back: bool, most: Most) -> None:
    own = ScriptedCalls()
    async with both_ways(own, ends) as one:
        to, other = (back(one), one.node) if calls_back else (one.node, back(one))
        slow = own if calls_back else one.service
        texts = [str(number) for number in range(100)]
        notes = [note(to, Text(text="hold:door"))]
        notes += [note(to, Text(text=text, data=LARGE)) for text in texts]
        last = echo(to, Text(text="last"))
        await until(lambda: most.bytes > WINDOW * 3 // 4)
        assert queue_to(to).held_bytes > 30 * len(LARGE)
        assert sum(call.done() for call in notes) < 60
        assert to.channel.queued_bytes > 30 * len(LARGE)
        assert (await within(echo(other, Text(text="ok")))).text == "ok", "the other way is free"
        assert not last.done()
        slow.open_all()
        await within(asyncio.gather(*notes, last))
        assert slow.seen == ["hold:door", *texts, "last"]
    assert most.bytes <= BOUND


async def test_replies_and_cancellations_pass_requests_that_wait(most: Most) -> None:
    own = ScriptedCalls()
    async with both_ways(own) as one:
        running = echo(back(one), Text(text="hold:door"))
        notes = [note(back(one), Text(text=str(number), data=LARGE)) for number in range(100)]
        await until(lambda: most.bytes > WINDOW * 3 // 4)
        waiting = echo(back(one), Text(text="never sent"))
        waiting.cancel()
        assert (await within(echo(one.node, Text(text="ok")))).text == "ok", "a reply"
        running.cancel()
        await until(lambda: own.contexts[0].cancelled)
        own.open_all()
        await within(asyncio.gather(*notes))
        assert (await within(echo(back(one), Text(text="again")))).text == "again"
        assert "never sent" not in own.seen


async def test_time_is_up_while_a_request_waits_for_credit(most: Most) -> None:
    own = ScriptedCalls()
    async with both_ways(own) as one:
        notes = [note(back(one), Text(text="hold:door"))]
        notes += [note(back(one), Text(text=str(number), data=LARGE)) for number in range(60)]
        await until(lambda: most.bytes > WINDOW * 3 // 4)
        with pytest.raises(gorums.SendError):
            await within(spread(one.server.client_config(), Text(text="late", data=LARGE), timeout=0.01))
        with pytest.raises(TimeoutError):
            await within(echo(back(one), Text(text="late", data=LARGE), timeout=0.01))
        in_time = echo(back(one), Text(text="in time"), timeout=30)
        assert queue_to(back(one)).held_bytes > 0
        own.open_all()
        await within(asyncio.gather(*notes))
        assert (await within(in_time)).text == "in time"
        assert "late" not in own.seen
        assert queue_to(back(one)).held_bytes == 0


async def test_what_waits_is_bounded_by_the_send_buffer(most: Most) -> None:
    async with both_ways(own := ScriptedCalls(), send_buffer=40 * len(LARGE)) as one:
        notes = [note(one.node, Text(text="hold:door"))]
        notes += [note(one.node, Text(text=str(number), data=LARGE)) for number in range(60)]
        await until(lambda: most.bytes > WINDOW * 3 // 4)
        notes += [note(one.node, Text(text=str(number), data=LARGE)) for number in range(60, 120)]
        one.service.open_all()
        outcomes = await within(asyncio.gather(*notes, return_exceptions=True))
        refused = [outcome for outcome in outcomes if outcome is not None]
        assert 20 < len(refused) < 60
        for error in refused:
            assert gorums.StatusCode.RESOURCE_EXHAUSTED.name in repr(error)
        await one.service.has_seen_count(len(notes) - len(refused))
        assert own.seen == []


async def test_a_message_larger_than_the_window_goes_alone(most: Most) -> None:
    own = ScriptedCalls()
    async with both_ways(own) as one:
        texts = [str(number) for number in range(12)]
        sizes = [len(LARGE), 3 * WINDOW]
        notes = [note(back(one), Text(text=text, data=bytes(sizes[int(text) % 2]))) for text in texts]
        await within(asyncio.gather(*notes))
        await own.has_seen_count(len(texts))
        assert own.seen == texts
    assert most.bytes < 10 * WINDOW


@SAME_ENDS
async def test_nothing_is_lost_or_doubled_where_connections_break_and_credit_is_short(ends: Ends, most: Most) -> None:
    own = ScriptedCalls()
    async with both_ways(own, ends, server={"session_linger": 10.0}) as one:
        texts = [str(number) for number in range(150)]
        there = [note(one.node, Text(text=text, data=LARGE)) for text in texts]
        here = [note(back(one), Text(text=text, data=LARGE)) for text in texts]
        for _ in range(5):
            await asyncio.wait({*there, *here}, return_when=asyncio.FIRST_COMPLETED)
            one.proxy.reset()
            await asyncio.sleep(0.01)
        await within(asyncio.gather(*there, *here))
        await own.has_seen_count(len(texts))
        await one.service.has_seen_count(len(texts))
        assert own.seen == one.service.seen == texts
    assert most.bytes <= BOUND


async def test_calls_back_from_handlers_when_neither_way_has_credit(most: Most) -> None:
    """Handlers that have released wait for calls back, which wait for credit, which waits for handlers."""

    class Nesting(ScriptedCalls):
        back: gorums.Node | None = None

        async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
            ctx.release()
            if request.number:
                to = self.back or ctx.client_config()[0]
                await echo(to, Text(text=request.text, number=0, data=LARGE))
            return Text(text=request.text)

    own, service = Nesting(), Nesting()
    async with both_ways(own, service=service) as one:
        own.back = one.node
        numbers = range(100)
        there = [ask(one.config, Text(text=f"{n}", number=1, data=LARGE)).async_all() for n in numbers]
        here = [ask(one.server.client_config(), Text(text=f"{n}", number=1, data=LARGE)).async_all() for n in numbers]
        await within(asyncio.gather(*there, *here))
        assert own.seen == service.seen == [str(n) for n in numbers]
    assert most.bytes <= BOUND


async def test_a_client_that_waits_for_credit_is_waited_for_when_the_server_drains(
    most: Most, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(farewell, "ANSWER_WITHIN", 0.01)
    looks = 0
    look_again = farewell.Farewell._look_again

    def counted(self: farewell.Farewell) -> None:
        nonlocal looks
        looks += 1
        look_again(self)

    monkeypatch.setattr(farewell.Farewell, "_look_again", counted)
    async with both_ways(ScriptedCalls()) as one:
        texts = [str(number) for number in range(80)]
        notes = [note(one.node, Text(text="hold:door"))]
        notes += [note(one.node, Text(text=text, data=LARGE)) for text in texts]
        await until(lambda: most.bytes > WINDOW * 3 // 4)
        stopping = asyncio.ensure_future(one.server.stop(10))
        await until(lambda: looks > 4)
        monkeypatch.setattr(farewell, "ANSWER_WITHIN", 5.0)  # it may be slow from now on, for the machine is
        one.service.open_all()
        await within(asyncio.gather(*notes))
        await within(stopping)
        assert one.service.seen == ["hold:door", *texts]


async def test_peers_brake_each_other_over_the_streams_of_either(most: Most) -> None:
    services = {number: ScriptedCalls(number) for number in (1, 2)}
    async with gorums.local_systems(2, services.__getitem__, session=gorums.Session()) as systems:
        for system in systems:
            await within(system.wait_for_config(lambda known: len(known) == 2))
        notes = []
        for system, other in zip(systems, (2, 1), strict=True):
            inbound, outbound = (
                next(n for n in config if n.id == other) for config in (system.config(), system.outbound)
            )
            notes += [note(inbound, Text(text="hold:in")), note(outbound, Text(text="hold:out"))]
            for number in range(60):
                notes.append(note(inbound, Text(text=f"in {number}", data=LARGE)))
                notes.append(note(outbound, Text(text=f"out {number}", data=LARGE)))
        for service in services.values():
            await service.gates["in"].arrivals()
            await service.gates["out"].arrivals()
        assert not all(call.done() for call in notes)
        for service in services.values():
            service.open_all()
        await within(asyncio.gather(*notes))
        for service in services.values():
            await service.has_seen_count(122)
            for way in ("in", "out"):
                assert [text for text in service.seen if text.startswith(way)] == [f"{way} {n}" for n in range(60)]
    assert most.bytes <= BOUND


async def test_clients_that_are_not_called_back_are_braked_by_their_connection(most: Most) -> None:
    async with line() as one:
        note(one.node, Text(text="hold:door"))
        notes = [note(one.node, Text(text=str(number), data=bytes(64 * KIB))) for number in range(300)]
        await one.service.gates["door"].arrivals()
        assert queue_to(one.node).held_bytes == 0
        assert sum(session.requests.backlog.bytes for session in one.server._acceptor.streams.values()) < 4 << 20, (
            "of 19 MiB"
        )
        one.service.open_all()
        await within(asyncio.gather(*notes))
