"""Quorum calls whose responses are read one by one, and that ask few nodes first.

What has come of a node is known here as it arrives. But what it is worth is known where it is read, after interceptors,
filters and checks: who reads tells of replies that were rejected, and asking for a response when no node owes one says
that what has been read is not enough.
"""

from __future__ import annotations

from typing import Any, TypeVar

from google.protobuf.message import Message

from pygorums.base.errors import StatusError
from pygorums.base.method import Method
from pygorums.calls.fan_out import NodeShare, Requests
from pygorums.calls.hedging import Hedger, Hedging, Late
from pygorums.calls.interceptors import Call
from pygorums.calls.needs import Need
from pygorums.calls.preparing import encode_request
from pygorums.calls.reply_queue import ReplyQueue, on_loop
from pygorums.calls.response import NodeResponse
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.node import Node
from pygorums.quorum.tally import Tally

__all__ = ["hedged_fan_out"]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


class _HedgedQueue(ReplyQueue[Resp]):
    """A queue of responses that ends when all nodes that may be asked have been, and have answered or failed."""

    def __init__(self, *args: Any, tally: Tally) -> None:
        super().__init__(*args)
        self._tally = tally
        self._silent.clear()  # nobody was asked
        self._owing: set[int] = set()  # nodes that were asked and may still say something
        self.hedger: Hedger | None = None
        self._progress.rejected = self._rejected

    def asks(self, node_id: int) -> None:
        """A node is being asked."""
        self._silent.add(node_id)
        self._owing.add(node_id)

    def deliver(self, node_id: int, payload: bytes) -> None:
        if not self.streaming:
            self._owing.discard(node_id)
        self._tally.count_success(node_id)
        super().deliver(node_id, payload)

    def fail(self, node_id: int, error: Exception) -> None:
        self._owing.discard(node_id)
        super().fail(node_id, error)
        self._replace(node_id)  # unless it has replied before, in a streaming call: then it counts

    def end(self, node_id: int) -> None:
        self._owing.discard(node_id)
        super().end(node_id)
        if not self._items:
            self._go_on()

    def _rejected(self, node_id: int) -> None:
        """A reply that had come does not count, says who reads: perhaps another thread."""
        if not self.streaming:  # where the node may send a better one
            on_loop(self._loop, lambda: self._reject(node_id))

    def _reject(self, node_id: int) -> None:
        self._tally.succeeded &= ~self._tally.rule.bits.get(node_id, 0)
        self._replace(node_id)

    def _replace(self, node_id: int) -> None:
        self._tally.count_failure(node_id)
        if self.hedger is not None:
            self.hedger.replace()

    def _go_on(self) -> None:
        """Ask others if nobody owes a response any more."""
        while self.hedger is not None and not self._owing and not self._items and not self.decided:
            if not self.hedger.ask_more() and not self.hedger.ask_everyone():
                self._open.clear()
                self._wake()
                return

    async def __anext__(self) -> NodeResponse[Resp]:
        self._go_on()
        return await super().__anext__()

    def ask_more(self) -> bool:
        """Ask others than those that are silent, as after some time. Whether any were left."""
        return self.hedger is not None and self.hedger.ask_more()

    def close(self) -> None:
        if self.hedger is not None:
            self.hedger.stop()
        super().close()


def hedged_fan_out(
    method: Method[Req, Resp],
    config: Configuration,
    call: Call[Req, Resp],
    requests: Requests[Req],
    need: Need,
    hedging: Hedging,
) -> ReplyQueue[Resp]:
    """As `fan_out`, but first to as few nodes as can be what is needed, and later to more."""
    pool, seq_no = config.pool, config.pool.next_seq_no()
    tally = call.progress.tally(need)
    queue: _HedgedQueue[Resp] = _HedgedQueue(method, config, seq_no, call.timeout, call.progress, tally=tally)
    told: Any = queue
    if pool.observers.call is not None:
        told = pool.observers.call(queue, method, config.nodes)
        call.progress.observed = True
    made = dict(requests)
    frames: dict[int, bytes] = {}  # by the identity of the request

    def ask(node: Node, late: bool) -> None:
        queue.asks(node.id)
        request: Any = made[node.id]
        if isinstance(request, Exception):
            told.fail(node.id, request)
            return
        frame = frames.get(id(request))
        if frame is None:
            try:
                frame = encode_request(pool, method, seq_no, request, call.options, queue.frame)
            except StatusError as error:
                told.fail(node.id, StatusError(error.code(), error.message, node_id=node.id))
                return
            frames[id(request)] = frame
        share: Any = NodeShare(told, frame)
        node.channel.request(seq_no, Late(share, pool.loop.time()) if late else share)

    nodes = {}
    for node in config.nodes:
        if made[node.id] is None or node.id not in tally.rule.bits:
            queue.skip(node.id)
        else:
            nodes[node.id] = node
    for node_id in call.progress.left_out:
        tally.count_failure(node_id)
    queue.hedger = Hedger(hedging, tally, nodes, ask, pool.loop)
    queue.hedger.start()
    return queue
