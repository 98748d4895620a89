"""The sessions of a server."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Hashable

import grpc

from pygorums.base.errors import StatusError, StreamDownError
from pygorums.base.session import checked_count, checked_seconds
from pygorums.serving.accepted_session import AcceptedSession
from pygorums.sessions.acceptor import AcceptorHalf, Halves
from pygorums.sessions.hello import Hello
from pygorums.streams.outgoing import Outgoing

__all__ = ["Sessions"]

Greeted = tuple[AcceptorHalf[Outgoing], tuple[list[bytes], list[Outgoing]] | None, int | None]

_log = logging.getLogger("pygorums.connections")


class Sessions:
    """Knows the sessions of clients again, and ends those whose clients stay away.

    Args:
        limit: How many may be without a stream; 0 for no sessions at all.
        keep: Seconds for which one may be.
        linger: Seconds for which a client without a stream can still be called back.
        chance: Gives tokens that nobody can guess.

    Raises:
        ConfigurationError: One of them cannot be.

    Attributes:
        away: The sessions without a stream, and those that have ended and whose handlers have not.
        closed: Whether the server stops, so that nobody can come back.
    """

    def __init__(self, limit: int, keep: float, linger: float, chance: random.Random) -> None:
        self._limit = checked_count("session_limit", limit)
        self._keep = checked_seconds("session_keep", keep)
        self.linger = checked_seconds("session_linger", linger)
        self._halves: Halves[Outgoing] = Halves(limit, keep, lambda: f"{chance.getrandbits(128):032x}")
        self._sessions: dict[AcceptorHalf[Outgoing], AcceptedSession] = {}
        self._clients: dict[Hashable, AcceptedSession] = {}  # the session that each opener has
        self._coming: set[Hashable] = set()  # whose next stream is being judged
        self.away: dict[AcceptedSession, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.closed = False

    def comes_instead(self, said: str | None, identity: Hashable) -> bool:
        """A client has opened a stream, and says this: whether that takes the place of one that it has already.

        Only one of those that are not judged yet does, or they could be any number.
        """
        hello = Hello.parse(said) if self._limit else None
        if hello is None or (hello.session, identity) in self._coming or not self._halves.attached(hello, identity):
            return False
        self._coming.add((hello.session, identity))
        return True

    def judged(self, said: str | None, identity: Hashable) -> None:
        """A stream that has come instead was let in, or was not."""
        hello = Hello.parse(said) if self._limit else None
        if hello is not None:
            self._coming.discard((hello.session, identity))

    def greet(self, said: str | None, identity: Hashable) -> Greeted | None:
        """The half that a client has who says this, what it has to be sent again, and for how much it has room.

        None if there are no sessions.
        From now on nothing counts any more that still comes on an older stream of that session.

        Raises:
            StatusError: There is a newer one.
        """
        hello = Hello.parse(said) if self._limit else None
        if hello is None:
            return None
        greeting = self._halves.greet(hello, identity, asyncio.get_running_loop().time())
        if greeting.half is None:
            raise StatusError(grpc.StatusCode.ABORTED, "there is a newer stream of this session")
        if greeting.given_up is not None:
            self._give_up(greeting.given_up, "its client does not go on with it")
        return greeting.half, greeting.again, hello.credit

    def of(self, half: AcceptorHalf[Outgoing]) -> AcceptedSession | None:
        """What is known of the client already."""
        return self._sessions.get(half)

    def earlier(self, client: Hashable | None) -> AcceptedSession | None:
        """The session that an opener had last, if anything of it is left."""
        return self._clients.get(client)

    def begun(self, session: AcceptedSession, client: Hashable | None) -> None:
        """A client has a new session. If the same opener had another one, it has given that up."""
        if session.half is None:
            return
        self._sessions[session.half] = session
        if client is not None:
            session.client = client
            older, self._clients[client] = self._clients.get(client), session
            if older is not None and older.half is not None:
                self._give_up(older.half, "its client has begun another one")

    def attached(self, session: AcceptedSession) -> None:
        """A session has a stream again."""
        self.away.pop(session, None)

    def detached(self, session: AcceptedSession, /) -> None:
        """A session has no stream any more, and goes on."""
        half = session.half
        assert half is not None
        self.away[session] = None
        loop = asyncio.get_running_loop()
        if self.closed:
            self._give_up(half, "the server is stopping")
        elif (surplus := self._halves.detach(half, loop.time())) is not None:
            self._give_up(surplus, "it cannot be kept any longer")
        self._sweep()

    def _sweep(self) -> None:
        """End those whose clients have stayed away for too long, and look again when it is time for the next."""
        loop = asyncio.get_running_loop()
        while (half := self._halves.due(loop.time())) is not None:
            self._give_up(half, "its client has stayed away")
        if self._timer is not None:
            self._timer.cancel()
        due_at = self._halves.due_at
        self._timer = None if due_at is None else loop.call_at(due_at, self._sweep)

    def _give_up(self, half: AcceptorHalf[Outgoing], why: str) -> None:
        session = self._sessions.get(half)
        self._halves.give_up(half, asyncio.get_running_loop().time())
        if session is not None:
            _log.info("The session of %s has ended: %s", session.requests.context.peer, why)
            stream = session.stream
            session.end(StreamDownError(f"the session has ended: {why}"))
            if stream is not None:
                stream.replaced()

    def over(self, session: AcceptedSession, half: AcceptorHalf[Outgoing], /) -> None:
        """A session has ended; its handlers may still run."""
        del self._sessions[half]
        self._halves.give_up(half, asyncio.get_running_loop().time())
        if session.stream is None:
            self.away[session] = None
            if not session.over:  # what was taken is handled, but for no longer than if its client could come back
                session.when_idle(asyncio.get_running_loop().call_later(self._keep, session.cancel).cancel)
        session.when_idle(lambda: self._forget(session))

    def _forget(self, session: AcceptedSession) -> None:
        self.away.pop(session, None)
        if self._clients.get(session.client) is session:
            del self._clients[session.client]

    def stop(self) -> None:
        """The server has stopped."""
        if self._timer is not None:
            self._timer.cancel()
