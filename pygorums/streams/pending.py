"""The calls that wait for replies of one node.

How it works. There are two tables by sequence number: of calls that get one reply from a node, and of streaming calls,
which get several. A reply to one of the first kind takes its call out, so that each call is told once; a streaming call
stays until the node says that it was the last reply, or answers with an error. Whoever gives a call up, or fails it,
takes it out of the table, and what comes after that finds nothing and is dropped.

A call is the same object at all its nodes, and may be decided by what others have answered. It then stays here until
this node has answered too, for two reasons: so also a slow node is measured, and the request is sent again if the
stream breaks, since each node is promised each request. But a node that never answers would let such calls pile up. So
what was added is counted in bytes, and each time it exceeds the limit, those that are decided are swept out. Those that
somebody waits for never are; what they may hold is for their callers to bound.

When a stream breaks, the calls of the first kind stay, to be sent again in their order, which is the table's. Those of
the second kind fail, unless they have not been sent: some of their replies may have come already.

The same reader that finds calls finds requests: the side that accepted the stream numbers its own with bit 63 set.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Iterable, Iterator
from typing import Protocol

import grpc

from pygorums.base.errors import StatusError
from pygorums.base.recent import RecentSamples
from pygorums.base.repeated import Repeated
from pygorums.base.shown import shown
from pygorums.base.status import CODE_BY_NUMBER, unpacked
from pygorums.streams.outgoing import Outgoing
from pygorums.wire.framing import SERVER_INITIATED, Frame, Message, Status

__all__ = ["PendingCall", "PendingCalls", "status_error"]

_log = logging.getLogger("pygorums.streams")

UNIMPLEMENTED: int = grpc.StatusCode.UNIMPLEMENTED.value[0]

SMOOTHING = 0.2
"""The weight of a new sample of latency, as in Gorums; the first sample is the estimate."""

ENTRY_COST = 512
"""What an entry of the table weighs besides its frame, in bytes, for the bound on calls nobody waits for."""


class PendingCall(Outgoing, Protocol):
    """A call that may wait for several nodes. It is told, one after the other, what each node said."""

    @property
    def frame(self) -> bytes:
        """What was sent, to be sent again after a reconnect."""

    @property
    def streaming(self) -> bool:
        """Whether a node may reply more than once."""

    @property
    def decided(self) -> bool:
        """Whether nobody waits for further replies."""

    @property
    def timeout(self) -> float | None:
        """How many seconds it has from then on; the frame says so too. None if there is no limit."""

    @property
    def sent_at(self) -> float:
        """When the frame was queued, in seconds of the event loop's clock."""

    def deliver(self, node_id: int, payload: bytes, /) -> None:
        """The node replied. Not called any more once the call is decided."""

    def end(self, node_id: int, /) -> None:
        """The node has sent its last reply of a streaming call."""


def status_error(status: Status, node_id: int) -> StatusError:
    """The error that a node answered with. A code that gRPC does not know becomes UNKNOWN."""
    code = CODE_BY_NUMBER.get(status.code, grpc.StatusCode.UNKNOWN)
    return StatusError(code, status.message, unpacked(status.details) if status.details else (), node_id=node_id)


def _nothing() -> None: ...


class PendingCalls:
    """Finds the call that a reply belongs to, by sequence number, and keeps the node's latency estimate.

    Args:
        node_id: The node's ID, for errors.
        limit: The bytes that may be added before calls that nobody waits for are swept out.
        before: What is known of how fast the node is, from an earlier stream.
    """

    def __init__(self, node_id: int, limit: int, before: PendingCalls | None = None) -> None:
        self._node_id = node_id
        self._limit = limit
        self._calls: dict[int, PendingCall] = {}  # that wait for one reply
        self._streaming: dict[int, PendingCall] = {}
        self._until_sweep = limit
        self._refused = Repeated()
        self.when_any: Callable[[], None] | None = None
        """Called when a reply is expected again, by those who add the call."""
        self.no_more: Callable[[], None] = _nothing
        """Called when the node says that it takes no more calls."""
        self.latency: float | None = None if before is None else before.latency
        """Seconds, or None before the first successful reply."""
        self.recent: RecentSamples = RecentSamples() if before is None else before.recent
        """How long the last replies took, in seconds."""

    def __len__(self) -> int:
        return sum(1 for call in (*self._calls.values(), *self._streaming.values()) if not call.decided)

    @property
    def owed(self) -> bool:
        """Whether the node owes any reply, also to calls that are decided."""
        return bool(self._calls or self._streaming)

    def add(self, seq_no: int, call: PendingCall, frame_length: int) -> None:
        """Expect replies to `seq_no`."""
        if call.streaming:
            self._streaming[seq_no] = call
        else:
            self._calls[seq_no] = call
        self._until_sweep -= frame_length + ENTRY_COST
        if self._until_sweep < 0:
            self._sweep()

    def forget(self, seq_no: int) -> PendingCall | None:
        """Expect no more replies to `seq_no`; the call, if the node owed any."""
        return self._calls.pop(seq_no, None) or self._streaming.pop(seq_no, None)

    def remove(self, owners: Iterable[Outgoing]) -> None:
        """Expect no more replies to those calls."""
        gone = set(map(id, owners))
        for table in (self._calls, self._streaming):
            for seq_no in [seq_no for seq_no, call in table.items() if id(call) in gone]:
                del table[seq_no]

    def deliver(self, messages: Iterable[Message | Frame], now: float) -> list[Message | Frame] | None:
        """Give each reply to its call. A reply that no call waits for is dropped.

        A call that cannot take its reply is logged: it must not end the stream that all calls share.

        Returns:
            The messages among them that are no replies but requests of the side that accepted the stream.
        """
        node_id, latency = self._node_id, self.latency
        pop, streaming, measured = self._calls.pop, self._streaming, self.recent.append
        requests = None
        for message in messages:
            seq_no = message.message_seq_no
            call = pop(seq_no, None)
            try:
                if call is None:
                    call = streaming.get(seq_no)
                    if call is None:
                        if message.status.code == UNIMPLEMENTED:
                            self._unserved(message, now)
                        elif seq_no >= SERVER_INITIATED:
                            requests = requests or []
                            requests.append(message)
                        elif message.cancel and not seq_no:
                            self.no_more()
                        continue
                    if message.status.code:
                        del streaming[seq_no]
                    elif message.end:
                        del streaming[seq_no]
                        call.end(node_id)
                        continue
                if message.HasField("status") and message.status.code:
                    call.fail(node_id, status_error(message.status, node_id))
                    continue
                sample = now - call.sent_at
                measured(sample)
                latency = sample if latency is None else latency + SMOOTHING * (sample - latency)
                if not call.decided:
                    call.deliver(node_id, message.payload)
            except Exception:
                _log.exception("A reply of node %d to %s could not be delivered", node_id, shown(message.method, 200))
        self.latency = latency
        return requests

    def _unserved(self, message: Message | Frame, now: float) -> None:
        """A node serves no such method, and nobody waits for its answer: a one-way message is lost there."""
        name = shown(message.method, 200)
        if times := self._refused.due(name, now):
            again = f" ({times} times more)" if times > 1 else ""
            text = "Node %d does not serve %s: what was sent to it is lost%s: %s"
            _log.warning(text, self._node_id, name, again, shown(message.status.message, 200))

    def all(self) -> Iterator[PendingCall]:
        """All calls, decided ones too: those that wait for one reply oldest first, then streaming ones."""
        yield from self._calls.values()
        yield from self._streaming.values()

    def unanswered(self) -> Iterator[PendingCall]:
        """The calls that wait for one reply, oldest first, decided ones too."""
        return iter(self._calls.values())

    def timed(self, sent_before: float) -> Iterator[PendingCall]:
        """The calls with a timeout that were sent before a moment."""
        for call in (*self._calls.values(), *self._streaming.values()):
            if call.timeout is not None and call.sent_at < sent_before:
                yield call

    def fail_streaming(self, error: Exception, *, spared: Container[int] = ()) -> None:
        """Fail the calls that may have had some of their replies, and so cannot be sent again.

        Args:
            error: What they are told.
            spared: The identities of those that have not been sent yet.
        """
        streaming = self._streaming
        self._streaming = {seq_no: call for seq_no, call in streaming.items() if id(call) in spared}
        for seq_no, call in streaming.items():
            if seq_no not in self._streaming:
                call.fail(self._node_id, error)

    def fail_all(self, error: Exception) -> None:
        """Fail every call."""
        calls = list(self._calls.values())
        self._calls.clear()
        self._until_sweep = self._limit
        for call in calls:
            call.fail(self._node_id, error)
        self.fail_streaming(error)

    def _sweep(self) -> None:
        live = {seq_no: call for seq_no, call in self._calls.items() if not call.decided}
        self._calls.clear()
        self._calls.update(live)
        # As much again may come as is live now, so sweeping costs a constant amount for each call.
        self._until_sweep = max(self._limit, sum(len(call.frame) + ENTRY_COST for call in live.values()))
