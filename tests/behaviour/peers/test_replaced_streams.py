"""A peer opens a new stream while the server still holds its old one."""

import asyncio
from contextlib import AsyncExitStack, suppress

import pytest

import pygorums as gorums
from pygorums.wire.handshake import INSTANCE_KEY
from tests.protos.calls_gorums import ask, echo, follow, note
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.frames import reply, request
from tests.support.peers import PEERS, config_is, peer, recorder, running
from tests.support.scripted_client import ScriptedClient
from tests.support.waiting import turns, until, within

AS_PEER_2 = [("gorums-node-id", "2")]


async def opened(server: gorums.Server, client: ScriptedClient, seq: int = 1) -> None:
    """Waits until the server has a client's stream: it answers over it."""
    await client.send(request(seq, "calls.Calls.Echo"))
    assert (await client.receive()).message_seq_no == seq


async def test_the_new_one_is_used_and_the_end_of_the_old_one_changes_nothing() -> None:
    """Rows: 84, 85, 115, 124."""
    changes: list[tuple[int, ...]] = []
    async with running(ScriptedCalls(), node_id=1, peers=PEERS, on_config_change=recorder(changes)) as server:
        assert server.address is not None
        async with AsyncExitStack() as stack:
            async with ScriptedClient(server.address, AS_PEER_2) as old:
                await opened(server, old)
                node = server.config()[1]
                new = await stack.enter_async_context(ScriptedClient(server.address, AS_PEER_2))
                await opened(server, new)
                assert server.config()[1] is node
                call = echo(node, Text(text="x"))
                sent = await new.receive()
                assert sent.method == "calls.Calls.Echo"
            # The old stream has ended; what is sent after that has come after that.
            await opened(server, new, seq=2)
            await turns()
            assert (server.config().node_ids, node.connected, node.pending) == ((1, 2), True, 1)
            await new.send(reply(sent, Text(text="answer").SerializeToString()))
            assert (await within(call)).text == "answer"
        await config_is(server, 1)
        assert changes == [(1,), (1, 2), (1,)]


async def test_calls_of_the_old_one_fail_and_the_next_ones_do_not() -> None:
    """Rows: 82, 84, 86."""
    async with running(ScriptedCalls(), node_id=1, peers=PEERS) as server:
        assert server.address is not None
        async with AsyncExitStack() as stack:
            old = await stack.enter_async_context(ScriptedClient(server.address, AS_PEER_2))
            await opened(server, old)
            node = server.config()[1]
            lost, stream = echo(node, Text(text="lost")), follow(server.config().remove(1), Text()).correctable(2)
            asked = [await old.receive(), await old.receive()]
            new = await stack.enter_async_context(ScriptedClient(server.address, AS_PEER_2))
            await opened(server, new)
            with pytest.raises(gorums.StreamDownError, match=r"peer peer-2:2 has opened a new stream"):
                await within(lost)
            await within(stream.wait())
            assert isinstance(stream.get()[2], gorums.IncompleteError)
            # Late answers over the old stream are nobody's any more.
            await old.send(*(reply(sent, Text(text="late").SerializeToString()) for sent in asked))
            await opened(server, old, seq=2)
            call = echo(node, Text(text="x"))
            sent = await new.receive()
            assert sent.message_seq_no not in {message.message_seq_no for message in asked}
            await new.send(reply(sent, Text(text="answer").SerializeToString()))
            assert (await within(call)).text == "answer"


async def test_the_older_one_comes_back_when_the_newer_one_ends(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever else claims the ID of a node that stands takes its place for no longer than its own stream lasts."""
    changes: list[tuple[int, ...]] = []
    options = {"node_id": 1, "peers": PEERS, "on_config_change": recorder(changes)}
    async with running(ScriptedCalls(), **options) as server, peer(server, 2, ScriptedCalls(2)):
        node = server.config()[1]
        assert server.address is not None
        for _ in range(2):
            async with ScriptedClient(server.address, AS_PEER_2) as impostor:
                await opened(server, impostor)
                stolen = echo(node, Text(text="x"))
                await impostor.receive()
            with pytest.raises(gorums.StreamDownError):
                await within(stolen)
            assert (server.config().node_ids, node.connected) == ((1, 2), True)
            assert (await within(echo(node, Text(text="y")))).number == 2
    assert changes == [(1,), (1, 2), (1,)]
    warnings = [record.getMessage() for record in caplog.records if "has another stream" in record.getMessage()]
    assert len(warnings) == 1, "it would be as many as somebody opens"
    assert warnings[0].startswith("Node 2, which has connected from 127.0.0.1:")


async def test_a_second_configuration_of_the_node_itself() -> None:
    """What a program of a node connects besides takes nothing away from it for good."""
    async with running(ScriptedCalls(), node_id=1, peers=PEERS) as server, peer(server, 2, ScriptedCalls(2)):
        node = server.config()[1]

        async def answered_by(number: int) -> None:
            answer = 0
            while answer != number:
                with suppress(gorums.StreamDownError):
                    answer = (await echo(node, Text(text="x"))).number

        await within(answered_by(2))
        async with peer(server, 2, ScriptedCalls(3)):
            await within(answered_by(3))
        await within(answered_by(2))


async def test_a_reply_counts_only_from_the_stream_that_was_asked() -> None:
    """Numbers can be guessed: neither a stream before nor one after it can answer what another was asked."""
    async with running(ScriptedCalls(), node_id=1, peers=PEERS) as server:
        assert server.address is not None
        async with AsyncExitStack() as stack:
            openers = [ScriptedClient(server.address, [*AS_PEER_2, (INSTANCE_KEY, digit * 32)]) for digit in "ab"]
            old = await stack.enter_async_context(openers[0])
            await opened(server, old)
            node = server.config()[1]
            first = echo(node, Text(text="x"))
            asked_old = await old.receive()
            new = await stack.enter_async_context(openers[1])
            await opened(server, new)
            second = echo(node, Text(text="y"))
            asked_new = await new.receive()
            assert node.pending == 2
            forged = Text(text="forged").SerializeToString()
            for stream in (old, new):
                await stream.send(reply(asked_old if stream is new else asked_new, forged))
                await opened(server, stream, seq=2)
            assert node.pending == 2
            for stream, asked in ((old, asked_old), (new, asked_new)):
                await stream.send(reply(asked, Text(text="answer").SerializeToString()))
            assert [(await within(call)).text for call in (first, second)] == ["answer"] * 2


async def test_an_opener_that_comes_again_is_no_rival(caplog: pytest.LogCaptureFixture) -> None:
    """It says so with the key that only it has; the calls over its older stream fail."""
    metadata = [*AS_PEER_2, (INSTANCE_KEY, "a" * 32)]
    async with running(ScriptedCalls(), node_id=1, peers=PEERS) as server:
        assert server.address is not None
        async with ScriptedClient(server.address, metadata) as old:
            await opened(server, old)
            lost = echo(server.config()[1], Text(text="x"))
            await old.receive()
            async with ScriptedClient(server.address, metadata) as new:
                await opened(server, new)
                with pytest.raises(gorums.StreamDownError):
                    await within(lost)
    assert not [record for record in caplog.records if "has another stream" in record.getMessage()]


async def test_requests_of_both_are_answered_where_they_came_from() -> None:
    """Rows: 84."""
    service = ScriptedCalls()
    async with (
        running(service, node_id=1, peers=PEERS) as server,
        peer(server, 2) as first,
        peer(server, 2) as second,
    ):
        held = echo(first[0], Text(text="hold-free:x"))
        await service.gates["x"].arrivals()
        assert (await within(echo(second[0], Text(text="second")))).text == "second"
        service.gates["x"].open()
        assert (await within(held)).text == "hold-free:x"


async def test_many_reconnects_leave_one_node_and_one_entry() -> None:
    """Rows: 84, 85, 117, 123."""
    changes: list[tuple[int, ...]] = []
    async with running(ScriptedCalls(), node_id=1, peers=PEERS, on_config_change=recorder(changes)) as server:
        nodes = set()
        for _ in range(10):
            async with peer(server, 2, ScriptedCalls(2)):
                nodes.add(server.config()[1])
                assert (await within(ask(server.config(), Text(text="x")).all())).text == "x"
            await config_is(server, 1)
        assert len(nodes) == 1
        assert changes == [(1,), *[(1, 2), (1,)] * 10]


async def test_a_peer_that_is_gone() -> None:
    """Calls to it fail at once, with a reason, instead of waiting for ever.

    Rows: 82, 87.
    """
    async with running(ScriptedCalls(), node_id=1, peers=PEERS) as server:
        async with peer(server, 2):
            both, node = server.config(), server.config()[1]
        await until(lambda: not node.connected)
        with pytest.raises(gorums.StreamDownError, match=r"node 2: .*peer peer-2:2 is not connected to this server"):
            await within(echo(node, Text(text="x")))
        with pytest.raises(gorums.SendError, match="not connected"):
            await within(note(node, Text(text="x")))
        with pytest.raises(gorums.IncompleteError) as error:
            await within(ask(both, Text(text="x")).all())
        assert list(error.value.node_errors) == [2]
        assert (await within(ask(both, Text(text="x")).first())).number == 1
        assert (node.pending, isinstance(node.last_error, gorums.StreamDownError)) == (0, True)


async def test_calls_under_way_fail_with_the_stream() -> None:
    """Rows: 82, 98."""
    theirs = ScriptedCalls(2)
    async with running(ScriptedCalls(), node_id=1, peers=PEERS) as server, peer(server, 2, theirs) as config:
        node = server.config()[1]
        calls = [echo(node, Text(text="hold-free:x")) for _ in range(5)]
        await theirs.gates["x"].arrivals(5)
        assert node.pending == 5
        await within(config.close())
        for outcome in await within(asyncio.gather(*calls, return_exceptions=True)):
            assert isinstance(outcome, gorums.StatusError)
            assert (outcome.code.name, outcome.node_id) == ("UNAVAILABLE", 2)
        assert node.pending == 0


async def test_replies_to_those_who_have_gone_harm_nobody() -> None:
    """Rows: 89, 98."""
    service = ScriptedCalls()
    async with running(service) as server:
        assert server.address is not None
        async with ScriptedClient(server.address) as client:
            await client.send(request(1, "calls.Calls.Echo", Text(text="hold-free:x").SerializeToString()))
            await client.send(request(2, "calls.Calls.Echo", Text(text="hold-free:y").SerializeToString()))
            await service.gates["y"].arrivals()
        service.open_all()
        async with ScriptedClient(server.address) as client:
            await opened(server, client)


@pytest.mark.parametrize("inbound", [True, False])
async def test_which_nodes_are_inbound(inbound: bool) -> None:
    """Rows: 83."""
    async with running(ScriptedCalls(), node_id=1, peers=PEERS) as server, peer(server, 2) as config:
        assert server.config()[1 if inbound else 0].is_inbound is inbound
        assert not config[0].is_inbound


async def test_what_does_not_fit() -> None:
    """A message too many for a peer that takes nothing fails at once, and for that peer alone.

    Rows: 101.
    """
    async with running(ScriptedCalls(), node_id=1, peers=PEERS) as server:
        assert server.address is not None
        # This one never reads; gRPC's own buffers take something before the queue grows.
        async with ScriptedClient(server.address, AS_PEER_2) as client:
            await opened(server, client)
            node = server.config()[1]
            big = Text(data=bytes(3 << 20))
            results = [note(node, big) for _ in range(40)]
            refused = [call for call in results if call.done() and call.exception()]
            assert refused
            error = refused[0].exception()
            assert isinstance(error, gorums.SendError)
            assert "do not fit into the send buffer of peer peer-2:2" in str(error)
            assert (await within(ask(server.config(), Text(text="x")).first())).number == 1
            for call in results:
                call.cancel()
