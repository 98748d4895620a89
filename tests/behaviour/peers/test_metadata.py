"""Metadata of streams and of messages, as handlers see them at both ends of a stream."""

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import connected
from tests.support.frames import request
from tests.support.peers import CALLED, PEERS, dialled, peer, running
from tests.support.scripted_server import ScriptedServer, ServerStream
from tests.support.waiting import within

TWICE = [("tag", "of the message"), ("tag", "once more"), ("other", "ünïcode")]


async def test_towards_the_server() -> None:
    """The stream's values come first, and no message sees those of another.

    Rows: 40, 41, 42.
    """
    service = ScriptedCalls()
    async with running(service) as server, dialled(server, metadata=[("tag", "of the stream")]) as config:
        await within(echo(config[0], Text(text="with"), metadata=TWICE))
        await within(echo(config[0], Text(text="without")))
        first, second = (ctx.metadata for ctx in service.contexts)
        assert first.get_all("tag") == ("of the stream", "of the message", "once more")
        assert first["other"] == "ünïcode"
        assert second.get_all("tag") == ("of the stream",)
        assert "other" not in second


async def test_towards_the_client() -> None:
    """Calls back carry metadata too, of every kind of call, and their handlers see them.

    Rows: 41, 42, 43, 109.
    """
    service = ScriptedCalls(2)
    async with running(ScriptedCalls(), node_id=1, peers=PEERS) as server, peer(server, 2, service):
        peers = server.config().remove(1)
        await within(echo(peers[0], Text(text="echo"), metadata=TWICE))
        await within(ask(peers, Text(text="ask"), metadata=TWICE).all())
        await within(note(peers[0], Text(text="note"), metadata=TWICE))
        await within(spread(peers, Text(text="spread"), metadata=TWICE))
        await within(follow(peers, Text(text="follow", number=1), metadata=TWICE).first())
        await within(echo(peers[0], Text(text="without")))
        seen = {ctx.method.rpartition(".")[2]: ctx.metadata.get_all("tag") for ctx in service.contexts[:-1]}
        assert seen == dict.fromkeys(("Echo", "Ask", "Note", "Spread", "Follow"), ("of the message", "once more"))
        assert service.contexts[-1].metadata.get_all("tag") == ()


BINARY: list[tuple[str, str | bytes]] = [("proof-bin", bytes(range(256))), ("proof-bin", b""), ("tag", "text")]


async def test_bytes_towards_the_server() -> None:
    """Handlers, `on_connect` and `authorize` see them as they were given."""
    service = ScriptedCalls()
    claims: list[gorums.Claim] = []
    contexts: list[gorums.StreamContext] = []
    async with (
        running(service, node_id=1, authorize=claims.append, on_connect=contexts.append) as server,
        dialled(server, metadata=BINARY) as config,
    ):
        await within(echo(config[0], Text(text="x"), metadata=TWICE))
        for seen in (service.contexts[0], contexts[0], claims[0]):
            assert seen.metadata.get_all("proof-bin") == (bytes(range(256)), b"")
            assert seen.metadata["proof-bin"] == bytes(range(256))
            assert seen.metadata["tag"] == "text"
        assert server.address is not None
        own = gorums.connect({1: server.address}, server=server, metadata=BINARY)
        await within(echo(own[0], Text(text="x")))
        assert service.contexts[1].metadata.get_all("proof-bin") == (bytes(range(256)), b"")
        await own.close()


async def test_bytes_towards_the_client() -> None:
    """What another implementation sends with its end of the stream, its handlers' clients see."""

    async def script(stream: ServerStream) -> None:
        await stream.confirm(*BINARY)
        await stream.send(request(1 << 63 | 1, "calls.Calls.Echo", Text(text="x").SerializeToString()))
        await stream.receive()

    service = ScriptedCalls()
    async with ScriptedServer(script) as acceptor:
        own = gorums.Server(service)
        async with connected([acceptor.address], server=own):
            await service.has_seen("x")
            metadata = service.contexts[0].metadata
            assert metadata.get_all("proof-bin") == (bytes(range(256)), b"")
            assert metadata["tag"] == "text"
        await own.stop()


async def test_of_the_own_node() -> None:
    """Rows: 41, 139, 140."""
    service = ScriptedCalls()
    async with running(service, node_id=1) as server:
        await within(echo(server.config()[0], Text(text="x"), metadata=TWICE))
        assert service.contexts[0].metadata.pairs == tuple(TWICE)
        assert server.address is not None
        own = gorums.connect({1: server.address}, server=server, metadata=[("tag", "of the stream")])
        await within(echo(own[0], Text(text="x"), metadata=TWICE))
        assert service.contexts[1].metadata.get_all("tag") == ("of the stream", "of the message", "once more")
        await own.close()


async def test_who_calls() -> None:
    """A handler knows whom a call came from, whichever way.

    Rows: 44.
    """
    service, theirs = ScriptedCalls(1), ScriptedCalls(2)
    async with (
        running(service, node_id=1, peers=PEERS) as server,
        peer(server, 2, theirs) as config,
        peer(server) as client,
        dialled(server) as ordinary,
    ):
        for number, caller in enumerate((config, client, ordinary)):
            await within(echo(caller[0], Text(text=str(number))))
        await within(echo(server.config()[0], Text(text="own")))
        await within(echo(server.config()[1], Text(text="back")))
        assert [ctx.peer_id for ctx in service.contexts] == [2, 1 << 20, None, 1]
        assert [ctx.peer.startswith("ipv4:127.0.0.1:") for ctx in service.contexts[:3]] == [True] * 3
        assert service.contexts[3].peer == "local"
        back = theirs.contexts[0]
        assert (back.peer, back.peer_id) == (server.address, CALLED)
        assert all(ctx.auth_context == {} for ctx in (*service.contexts, back))
        assert [ctx.server for ctx in service.contexts] == [server] * 4
        assert back.server is not server


async def test_incoming_metadata_are_not_forwarded() -> None:
    """A nested call has the metadata that its caller gives it, no others.

    Rows: 109.
    """

    class Nesting(ScriptedCalls):
        async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
            ctx.release()
            return await ask(ctx.config().remove(1), request, metadata={"own": "1"}).all()

    service = ScriptedCalls(2)
    async with (
        running(Nesting(1), node_id=1, peers=PEERS) as server,
        peer(server, 2, service),
        dialled(server, metadata={"stream": "1"}) as config,
    ):
        await within(ask(config, Text(text="x"), metadata={"message": "1"}).all())
        metadata = service.contexts[0].metadata
        assert (metadata.get("own"), "stream" in metadata, "message" in metadata) == ("1", False, False)
