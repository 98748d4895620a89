"""Accepting streams: who opens them, whether they may, and what is agreed on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Container, Hashable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from itertools import count
from typing import NamedTuple
from urllib.parse import unquote

import grpc

from pygorums.base.errors import StatusError, StreamDownError
from pygorums.base.metadata import Metadata
from pygorums.base.repeated import FailureLog
from pygorums.nodes.node import Node
from pygorums.nodes.peers import Peers
from pygorums.serving.accepted_session import AcceptedSession
from pygorums.serving.accepted_stream import AcceptedStream
from pygorums.serving.backlog import MAX_WAITING
from pygorums.serving.context import Claim, StreamContext
from pygorums.serving.failures import status_within
from pygorums.serving.holdings import Holdings
from pygorums.serving.in_order import InOrder
from pygorums.serving.instances import Instances
from pygorums.serving.opener import Opener
from pygorums.serving.sessions import Sessions
from pygorums.serving.sources import Sources
from pygorums.serving.stream_limits import StreamLimits
from pygorums.serving.surroundings import Surroundings
from pygorums.sessions.acceptor import AcceptorHalf
from pygorums.sessions.hello import SESSION_KEY, session_value
from pygorums.streams.clock import now
from pygorums.streams.connection_log import AcceptedLog
from pygorums.streams.heartbeat import Heartbeat
from pygorums.streams.options import StreamOptions
from pygorums.streams.outgoing import Outgoing
from pygorums.streams.send_queue import SendQueue
from pygorums.tasks.joined import resolve
from pygorums.transports.interface import AcceptedTransport
from pygorums.wire.handshake import INSTANCE_KEY, NO_LIMIT, Agreement, Pairs, claimed_node_id, instance_of

__all__ = ["Acceptor"]


class _Accepted(NamedTuple):
    """What belongs to a stream that was let in."""

    opener: Opener
    queue: SendQueue
    context: StreamContext


REPLY_BUFFER = NO_LIMIT
"""Replies are never dropped; a client that takes none is not read from any more, which bounds them."""

HARD_LIMIT = 2 * MAX_WAITING
"""Bytes of requests that may wait of a client that cannot be braked, as it owes replies that handlers wait for."""

_log = logging.getLogger("pygorums.server")


class Acceptor:
    """Serves the streams that clients open to a server.

    Args:
        sources: Has requests handled.
        peers: Who is called back.
        options: What we agree to, and how many streams there may be.
        authorize: Refuses a stream by raising `StatusError`.
        on_connect: Told of each stream.
        surroundings: What `authorize` and `on_connect` run in.
        sessions: Knows clients again.
    """

    def __init__(
        self,
        sources: Sources,
        peers: Peers,
        options: StreamOptions,
        authorize: Callable[[Claim], Awaitable[None] | None] | None,
        on_connect: Callable[[StreamContext], Awaitable[None] | None] | None,
        surroundings: Surroundings,
        sessions: Sessions,
    ) -> None:
        self._sessions = sessions
        self._sources = sources
        self._peers = peers
        self._options = options
        self._authorize = authorize
        self._on_connect = on_connect
        self._surroundings = surroundings
        self._failures = FailureLog(_log)
        self._instances = Instances()
        self._holdings = Holdings(options.max_held)
        self._limits = StreamLimits(options.max_streams, options.max_streams_by_address)
        self._log = AcceptedLog()
        self._arrivals = count()
        self.streams: dict[AcceptedStream, AcceptedSession] = {}  # in the order in which they were let in
        self._empty: asyncio.Future[None] | None = None  # while somebody waits for the last one
        self.closed = False

    def close(self) -> None:
        """Let in no more streams: nobody comes back to a session either."""
        self.closed = self._sessions.closed = True

    async def accept(
        self, transport: AcceptedTransport, metadata: Pairs, peer: str, auth_context: Mapping[str, list[bytes]], /
    ) -> None:
        """Serve one stream until it ends.

        Args:
            transport: The stream.
            metadata: What its opener has sent.
            peer: The opener's address, as gRPC writes it.
            auth_context: What TLS has proved of the opener; empty without TLS.

        Raises:
            StatusError: With this it has to be ended.
        """
        known_by = claimed_node_id(metadata), _identity(auth_context)
        with self.visit(peer, instead=self._sessions.comes_instead(session_value(metadata), known_by)):
            await self._serve(transport, metadata, peer, _address(peer), auth_context)

    @contextmanager
    def visit(self, peer: str, *, instead: bool = False) -> Iterator[None]:
        """Count a stream, or what is like one, while it lasts; it may take the place of another one.

        Raises:
            StatusError: The server takes no more, or there are too many.
        """
        self._check_open()
        try:
            origin = self._limits.enter(_address(peer), instead=instead)
        except StatusError as error:
            self._log.refused(None, _address(peer), error)
            raise
        try:
            yield
        finally:
            self._limits.leave(origin)

    def _check_open(self) -> None:
        if self.closed:
            raise StatusError(grpc.StatusCode.UNAVAILABLE, "the server is stopping")

    @contextmanager
    def counting(self, requests: InOrder) -> Iterator[None]:
        """Count what requests hold with what streams do; those that hold the most are refused if that is too much."""
        requests.holding.all = self._holdings
        self._holdings.enter(requests.holding, requests.cancel)
        try:
            yield
        finally:
            self._holdings.leave(requests.holding)

    async def judge(self, peer: str, auth_context: Mapping[str, list[bytes]], metadata: Pairs) -> None:
        """Have `authorize` judge somebody who claims no node ID.

        Raises:
            StatusError: It refuses, or the server has begun to stop meanwhile.
        """
        await self._check(Claim(None, auth_context, Metadata(metadata), _address(peer)))
        self._check_open()

    async def _serve(
        self,
        transport: AcceptedTransport,
        offered: Pairs,
        peer: str,
        address: str,
        auth_context: Mapping[str, list[bytes]],
    ) -> None:
        arrival = next(self._arrivals)
        instance = instance_of(offered)
        hello = session_value(offered)
        # Nobody is shown them: whoever knows them could end the client's stream, or go on with its session.
        offered = tuple(pair for pair in offered if pair[0] not in (INSTANCE_KEY, SESSION_KEY))
        claim = Claim(claimed_node_id(offered), auth_context, Metadata(offered), address)
        identity = _identity(auth_context)
        # Nor does who is let in as somebody else go on as who it was: that was judged then.
        known_by = claim.node_id, identity
        try:
            await self._check(claim)
        finally:
            self._sessions.judged(hello, known_by)
        terms = self._options.terms
        answer = terms.answer(offered)
        client = None if instance is None else (instance, identity)
        half, again, credit = self._sessions.greet(hello, known_by) or (None, None, None)
        if half is not None:
            answer = (*answer, *terms.limit())
        agreement = terms.accepted(offered, answer)
        session = None if half is None else self._sessions.of(half)
        if session is None:
            session = self._begin(half, agreement, client, instance, claim, offered, peer)
        else:
            session.take_over()
            session.requests.context.peer = peer
            arrival = next(self._arrivals)  # it has its place by what it says
        queue = session.queue
        queue.agree(agreement)
        queue.announce(agreement.unannounced)
        session.attach(credit)
        if half is not None:
            answer = (*answer, (SESSION_KEY, str(half.confirmation(session.room))))
            self._sessions.attached(session)
            if again is not None:
                session.resume(*again)
        if answer:
            transport.confirm(answer)
        context = session.requests.context
        heartbeat = None if agreement.heartbeat is None else Heartbeat(queue, agreement.heartbeat)
        stream = session.stream = AcceptedStream(
            transport,
            peer,
            session,
            batching=agreement.batching,
            heartbeats=heartbeat is not None,
            on_heard=session.opener.heard,
            on_connect=None if self._on_connect is None else partial(self._tell_connected, context),
        )
        self.streams[stream] = session
        self._log.opened(context.peer_id, address)
        session.requests.holding.kept(0)  # of the stream before
        transport.when_kept = session.requests.holding.kept
        try:
            self._instances.opened(client, arrival, stream)
            if self.closed:
                stream.drain()  # the server began to stop while the stream was being opened
            await stream.serve()
        finally:
            if heartbeat is not None:
                heartbeat.stop()
            transport.when_kept = None
            if session.stream is None or session.stream is stream:
                session.requests.holding.kept(0)
            if not stream.went_on:
                session.leave(stream.ended_with)
            self._log.ended(context.peer_id, address, None if self.closed else stream.broken)
            self._instances.ended(client, stream)
            if stream.went_on:
                self._forget(stream)
            else:
                stream.when_idle(partial(self._forget, stream))  # until then there is something to be stopped

    def _forget(self, stream: AcceptedStream) -> None:
        self.streams.pop(stream, None)
        if not self.streams:
            resolve(self._empty)

    async def drain(self) -> None:
        """Let in no more streams, and have those that there are end in peace; wait until all have."""
        self.closed = True
        for stream in self.streams:
            stream.drain()
        while self.streams:
            if self._empty is None or self._empty.done():
                self._empty = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._empty)

    def peers_replaced(self, gone: Container[Node], epoch: int) -> None:
        """Others are peers now: end the streams of those that are `gone`, and call back those that have come."""
        for session in list(self._sessions.away):
            if session.opener.node is not None and session.opener.node in gone:
                session.end(StreamDownError(f"the node was removed from the peers of this server, at epoch {epoch}"))
            else:
                session.known_now()  # it is listed when it is back
        for stream, session in list(self.streams.items()):
            opener = session.opener
            if opener.node is not None and opener.node in gone:
                text = f"node {opener.node.id} was removed from the peers of this server, at epoch {epoch}"
                stream.dismiss(StatusError(grpc.StatusCode.FAILED_PRECONDITION, text))
            elif stream.open and session.known_now():
                session.list()
                if session.pending is not None:
                    stream.call_back(session.pending)

    def _begin(
        self,
        half: AcceptorHalf[Outgoing] | None,
        agreement: Agreement,
        client: Hashable | None,
        instance: str | None,
        claim: Claim,
        offered: Pairs,
        peer: str,
    ) -> AcceptedSession:
        """Begin to serve a client, for as long as its stream or its session."""
        opener = Opener(self._peers, claim, instance, offered)
        queue = SendQueue(opener.node_id or 0, REPLY_BUFFER)
        requests = self._sources.add(
            queue,
            metadata=offered,
            peer=peer,
            peer_id=opener.node_id,
            auth_context=claim.auth_context,
            mark_end=agreement.stream_end,
            max_waiting=HARD_LIMIT,
            largest=agreement.largest,
        )
        if half is not None:
            requests.context.session_id = half.public_id
        earlier = self._sessions.earlier(client)
        succession = self._instances.succession(client) if earlier is None else earlier.succession
        session = AcceptedSession(requests, queue, half, succession, opener, self._holdings, self._sessions)
        self._sessions.begun(session, client)
        return session

    async def _check(self, claim: Claim) -> None:
        if self._authorize is None:
            return
        try:
            await self._surroundings.run(self._authorize, claim)
        except Exception as error:
            if (refusal := status_within(error)) is not None:
                self._log.refused(claim.node_id, claim.address, refusal)
                raise refusal from None
            # Whoever could not be judged is not let in either. A stranger need not know what went wrong with us.
            self._failures.tell("authorize failed", error, now(), f" for the stream from {claim.address}")
            raise StatusError(grpc.StatusCode.UNKNOWN, "the claim could not be judged") from error

    async def _tell_connected(self, context: StreamContext) -> None:
        assert self._on_connect is not None
        try:
            await self._surroundings.run(self._on_connect, context)
        except Exception as error:
            self._failures.tell("on_connect failed", error, now(), f" for the stream from {context.peer}")


def _address(peer: str) -> str:
    """``host:port`` of what gRPC calls ``ipv4:host:port`` or ``ipv6:%5Bhost%5D:port``."""
    return unquote(peer.removeprefix("ipv4:").removeprefix("ipv6:"))


def _identity(auth_context: Mapping[str, list[bytes]]) -> Hashable:
    """Where there is a certificate it proves who a client is; otherwise its secret alone is what nobody else knows."""
    # It is kept for long, of many: not the certificate itself, which is some kilobytes.
    return sha256(b"".join(auth_context.get("x509_pem_cert", ()))).digest()
