"""What a server knows of a stream and of the message at hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pygorums.base.errors import CallTimeoutError
from pygorums.base.metadata import Metadata, pairs_of
from pygorums.base.observers import Observers
from pygorums.base.observing import RequestObservation, observer_failed
from pygorums.base.pickling import Local
from pygorums.nodes.configuration import Configuration
from pygorums.serving.failures import HandlerFailures
from pygorums.serving.thread_calls import ThreadCall
from pygorums.streams.clock import now
from pygorums.wire.framing import Frame, Message
from pygorums.wire.handshake import Pairs
from pygorums.wire.timeouts import TIMEOUT_KEY, parse_timeout

__all__ = ["Claim", "Host", "ServerContext", "StreamContext"]

UNRELEASED_AFTER = 0.1
"""Seconds that a handler has to release its stream when it makes a nested call, until it is told that it should."""


class Host(Protocol):
    """What contexts need of their server."""

    @property
    def facade(self) -> Any:
        """The server as the application made it."""

    @property
    def failures(self) -> HandlerFailures:
        """What becomes of what goes wrong in handlers."""

    @property
    def observers(self) -> Observers:
        """Who observes the requests."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What the opener of a stream says of itself, for `authorize` to judge.

    Attributes:
        node_id: The node ID that it claims to have, 0 for a client that serves calls; None if it claims none.
        auth_context: What TLS has proved, as in gRPC: ``x509_common_name``, ``x509_subject_alternative_name`` and
            others, each a list of bytes. Empty without TLS.
        metadata: All that it sent when it opened the stream.
        address: Its network address.
    """

    node_id: int | None
    auth_context: Mapping[str, list[bytes]]
    metadata: Metadata
    address: str


class StreamContext(Local):
    """A stream that a client has opened, as `on_connect` sees it.

    Attributes:
        peer: The other side's network address, as gRPC writes it: ``ipv4:127.0.0.1:50000``. For a call from the own
            process it is ``local``, for one that a node makes back to a client the node's address.
        peer_id: The other side's node ID: a known peer's, or what a client that serves calls was given; None for an
            ordinary client.
        auth_context: What TLS says of the other side, as in gRPC; empty without TLS.
        session_id: The same for all that comes in one session of a client, over however many connections, and
            different from that of any other: 32 hexadecimal digits, which are no secret and prove nothing. A client
            whose session is lost, or that is started again, comes with another one. None without a session, in calls
            back, and for calls from the own process.
    """

    __slots__ = ("_host", "_pairs", "auth_context", "peer", "peer_id", "session_id")

    def __init__(
        self,
        host: Host,
        pairs: Pairs,
        peer: str,
        peer_id: int | None,
        auth_context: Mapping[str, list[bytes]],
    ) -> None:
        self._host = host
        self._pairs = pairs
        self.peer = peer
        self.peer_id = peer_id
        self.auth_context = auth_context
        self.session_id: str | None = None

    @property
    def metadata(self) -> Metadata:
        """What the client sent when it opened the stream."""
        return Metadata(self._pairs)

    @property
    def observers(self) -> Observers:
        """Who observes the requests (for who keeps the order)."""
        return self._host.observers

    @property
    def server(self) -> Any:
        """The server that handles the call, as the application made it: a `Server`, or one of `pygorums.sync`."""
        # Looked up late: the servers of a local cluster get streams before the blocking facade wraps them.
        return self._host.facade

    @property
    def system(self) -> Any:
        """The system whose server handles the call, as the application made it: as for `server`.

        Raises:
            RuntimeError: The server is none of a system.
        """
        system = self.server.system
        if system is None:
            raise RuntimeError("this server does not belong to a System")
        return system

    def config(self) -> Configuration:
        """`Server.config`: the known peers, to make nested calls to them, after `release`."""
        config: Configuration = self.server.config()
        return config

    def client_config(self) -> Configuration:
        """`Server.client_config`: the clients that serve calls, to call them back, after `release`."""
        config: Configuration = self.server.client_config()
        return config


class ServerContext(StreamContext):
    """One request, as its handler sees it.

    Attributes:
        method: The full name of the called method.
    """

    # What most requests leave as it is stands here, which is cheaper than to set it for each.
    _released = False
    _deadline: float | None = None  # once the entries are read
    _calls = False  # whether it makes nested calls
    # For those who keep the order of the stream:
    held_bytes = 0  # what its request takes, for those who count that
    thread: ThreadCall[Any] | None = None  # in which a plain handler runs, which may outlive its task
    number = 0  # of the call, if it runs for long enough to be known by it
    given_up = False  # whether the caller has said that it does not wait any more
    over = False  # whether the handler has ended
    entries: Pairs = ()  # the metadata of this message alone, once they are read
    observed: RequestObservation | None = None  # who is told of its end
    failure: BaseException | None = None  # what it has raised, for them
    timer: asyncio.TimerHandle | None = None

    def __init__(
        self,
        stream: StreamContext,
        method: str,
        message: Message | Frame,
        received_at: float,
        begun_at: float,
        on_release: Callable[[ServerContext], None],
    ) -> None:
        self._host = stream._host
        self._pairs = stream._pairs
        self.peer = stream.peer
        self.peer_id = stream.peer_id
        self.auth_context = stream.auth_context
        self.session_id = stream.session_id
        self.method = method
        self._message: Message | Frame | None = message
        self._on_release = on_release
        self._received_at = received_at
        self.begun_at = begun_at

    @property
    def deadline(self) -> float | None:
        """When the caller stops waiting, by the clock of the event loop; None if never.

        It is counted from when the request came, by what the caller has said: it is the `timeout` of the call. Callers
        that are not pygorums say nothing, and one-way messages have nobody who waits.
        """
        self._read_entries()
        return self._deadline

    def time_remaining(self) -> float | None:
        """The seconds until `deadline`, 0 if it has passed; None if there is none. May be called from any thread."""
        deadline = self.deadline
        return None if deadline is None else max(deadline - now(), 0.0)

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits any more for what the handler gives. May be asked in any thread.

        It is so when the caller has cancelled the call, when its time is up, and when its stream has ended. Callers
        that are not pygorums do not tell of the first.
        """
        return self.given_up or ((deadline := self.deadline) is not None and deadline <= now())

    @property
    def metadata(self) -> Metadata:
        """The metadata of the stream, then those of this message, then what interceptors added."""
        self._read_entries()
        return Metadata(self._pairs)

    def _read_entries(self) -> None:
        """Take the metadata out of the message. Most handlers never ask for them, and looking costs time."""
        message, self._message = self._message, None
        if message is not None and message.entry:
            pairs = [(entry.key, entry.value) for entry in message.entry]
            timeout = next((value for key, value in pairs if key == TIMEOUT_KEY), None)
            if timeout is not None:
                seconds = parse_timeout(timeout)
                self._deadline = None if seconds is None else self._received_at + seconds
                pairs = [pair for pair in pairs if pair[0] != TIMEOUT_KEY]
            self.entries = entries = tuple(pairs)
            self._pairs += entries

    def last_value(self) -> str:
        """The last value among them, which is looked at without reading the others (for the telemetry)."""
        message = self._message
        if message is None:
            return str(self.entries[-1][1]) if self.entries else ""
        entries = message.entry
        return entries[-1].value if entries else ""

    def own_metadata(self) -> Pairs:
        """The metadata of this message without those of its stream (for the telemetry)."""
        self._read_entries()
        return self.entries

    def add_metadata(self, key: str, value: str) -> None:
        """For interceptors: let those further in, and the handler, see one more pair.

        Raises:
            TypeError, ValueError: As for the metadata of a call.
        """
        self._read_entries()
        self._pairs += pairs_of([(key, value)])

    def fail(self, error: BaseException) -> None:
        """The handler has raised something (for who keeps the order)."""
        if self.observed is not None or self._host.observers.handled is not None:
            self.failure = error

    def tell_ended(self, time: float) -> None:
        """Tell who observes the request that it has ended (for who keeps the order)."""
        failure = self.failure
        if failure is not None:
            self.failure = None  # or it and its traceback would keep each other alive
            if isinstance(failure, asyncio.CancelledError) and (self.deadline or time) < time:
                failure = CallTimeoutError(f"the time for {self.method} was up before it was handled")
        seconds = time - self._received_at
        if (handled := self._host.observers.handled) is not None:
            handled(self.method, seconds, failure)
        if self.observed is not None:
            try:
                self.observed.ended(seconds, failure)
            except Exception:
                observer_failed()

    def calls(self) -> None:
        """The handler makes a nested call to a node that may call us (for the streams).

        If it waits for the reply without having released, as it does if it has not released a moment later, that may be
        for ever: the node may be waiting in the same way.
        """
        if not self._released and not self._calls:
            self._calls = True
            asyncio.get_running_loop().call_later(UNRELEASED_AFTER, self._check_released)

    def _check_released(self) -> None:
        self._calls = False
        if not self._released:
            self._host.failures.unreleased(self.method)

    def release(self) -> None:
        """Let the stream's next request be handled now, while this handler goes on.

        Until then, or until the handler returns, later requests of the same stream wait. After it, replies may
        leave in another order than their requests came in. To call it again does nothing. May be called from
        any thread.
        """
        if not self._released:
            self._released = True
            self._read_entries()  # the message belongs to an envelope, whose memory is not to be held any longer
            self._on_release(self)
