"""Quorum calls that wait for a number of nodes: the path of `majority()` and its like."""

from __future__ import annotations

from typing import TypeVar

import grpc
from google.protobuf.message import Message

from pygorums.base.errors import CallTimeoutError, IncompleteError, QuorumTimeoutError, StatusError
from pygorums.base.method import Method
from pygorums.calls.future import FutureCall
from pygorums.calls.preparing import encode_request
from pygorums.calls.response import parse_reply
from pygorums.nodes.configuration import Configuration
from pygorums.quorum.tally import Outcome, Tally

__all__ = ["ThresholdCall", "send_threshold_call"]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


class ThresholdCall(FutureCall[Resp]):
    """A quorum call under way that gives the first successful reply once enough nodes have succeeded.

    The streams' readers call it for each reply. No task and no queue is behind it, and only the reply that
    the caller gets is parsed. Once decided it stays known to the nodes that have not answered yet, which
    `PendingCalls` bounds; if it failed or was given up it is forgotten.
    """

    __slots__ = ("_config", "_method", "_node_errors", "_replied", "_reply", "_seq_no", "_tally", "streaming")

    def __init__(
        self, method: Method[Req, Resp], config: Configuration, seq_no: int, need: int, timeout: float | None
    ) -> None:
        super().__init__(config.pool.loop, b"", timeout)
        self.streaming = method.streaming
        self._method = method
        self._config = config
        self._seq_no = seq_no
        self._tally = Tally(len(config), need)
        self._reply: Resp | None = None
        self._node_errors: dict[int, Exception] | None = None
        # Replies of one node count once, which only streaming calls need to see to.
        self._replied: set[int] | None = set() if method.streaming else None

    def deliver(self, node_id: int, payload: bytes) -> None:
        """A node replied."""
        if self.decided:
            return
        if self._replied is not None:
            if node_id in self._replied:
                return
            self._replied.add(node_id)
        if self._reply is None:
            try:
                self._reply = parse_reply(self._method, payload, node_id)
            except StatusError as error:
                self.fail(node_id, error)
                return
        if self._tally.succeeded() is Outcome.WON:
            self.succeed(self._reply)
            if self.streaming:
                self.forget()

    def fail(self, node_id: int, error: Exception) -> None:
        """A node failed. In a streaming call a node that had replied before still counts as a success."""
        if self.decided or (self._replied is not None and node_id in self._replied and self._reply is not None):
            return
        if self._node_errors is None:
            self._node_errors = {}
        self._node_errors[node_id] = error
        if self._tally.failed() is Outcome.LOST:
            self.lose(IncompleteError(self._method.name, self._node_errors, self._tally.successes))
            self.forget()

    def end(self, node_id: int) -> None:
        """A node has ended its replies; if it sent none it has failed."""
        if not self.decided and self._replied is not None and node_id not in self._replied:
            self.fail(
                node_id,
                StatusError(grpc.StatusCode.UNKNOWN, "the node ended the call without a reply", node_id=node_id),
            )

    def forget(self) -> None:
        """Expect no more replies."""
        for node in self._config:
            if node.channel.forget(self._seq_no) and self.withdrawn:
                node.channel.withdraw()

    def timeout_error(self) -> Exception:
        """Forget the call; nodes that said nothing are among the errors."""
        errors = dict(self._node_errors or {})
        for node in self._config:
            owed = node.channel.forget(self._seq_no)
            if owed:
                node.channel.withdraw()
            if owed and not (self._replied and node.id in self._replied):
                text = f"no reply from {node.address} within {self.timeout} s"
                errors[node.id] = CallTimeoutError(text, node_id=node.id)
        return QuorumTimeoutError(self._method.name, errors, self._tally.successes)


def send_threshold_call(
    method: Method[Req, Resp],
    config: Configuration,
    request: Req,
    need: int,
    timeout: float | None,
    entries: bytes,
) -> ThresholdCall[Resp]:
    """Send a quorum call to all nodes, now.

    Args:
        method: The method.
        config: The nodes.
        request: The request, the same for all.
        need: How many nodes must succeed. If there are not that many nothing is sent.
        timeout: Seconds, or None.
        entries: Encoded metadata of the message.
    """
    pool = config.pool
    seq_no = pool.next_seq_no()
    call: ThresholdCall[Resp] = ThresholdCall(method, config, seq_no, need, timeout)
    if need > len(config):
        cause = f"incomplete call: {need} replies are needed and the configuration has {len(config)} nodes"
        call.lose(IncompleteError(method.name, {}, 0, cause))
        return call
    try:
        call.frame = encode_request(pool, method, seq_no, request, entries)
    except StatusError as error:
        for node in config:
            call.fail(node.id, StatusError(error.code(), error.message, node_id=node.id))
        return call
    for node in config:
        node.channel.request(seq_no, call)
    return call
