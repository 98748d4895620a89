"""Quorum calls that wait for one outcome: the path of `majority()` and its like."""
# ruff: noqa: D102 - methods without a docstring are as PendingCall says

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message

from pygorums.base.errors import CallTimeoutError, IncompleteError, QuorumTimeoutError, StatusError
from pygorums.base.method import Method
from pygorums.calls.active_call import ActiveCall, Resolvable
from pygorums.calls.needs import Need
from pygorums.calls.preparing import NO_QUORUM, encode_request, too_few_nodes
from pygorums.calls.response import malformed_reply
from pygorums.nodes.call_options import CallOptions
from pygorums.nodes.configuration import Configuration
from pygorums.quorum.rule import Rule
from pygorums.quorum.tally import Counting
from pygorums.streams.pending import PendingCall

__all__ = ["ThresholdCall", "send_threshold_call"]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


class ThresholdCall(ActiveCall[Resp], Counting):
    """A quorum call under way that gives the first successful reply once enough nodes have succeeded.

    The streams' readers call it for each reply. No task and no queue is behind it, and only the reply that
    the caller gets is parsed. Once decided it stays known to the nodes that have not answered yet, which
    `PendingCalls` bounds; if it failed or was given up it is forgotten.
    """

    __slots__ = ("_config", "_method", "_node_errors", "_reply", "_seq_no", "failed", "rule", "succeeded")

    def __init__(
        self,
        future: Resolvable[Resp],
        method: Method[Req, Resp],
        config: Configuration,
        seq_no: int,
        rule: Rule,
        timeout: float | None,
    ) -> None:
        ActiveCall.__init__(self, future, timeout)  # `super` would cost more
        self._method = method
        self._config = config
        self._seq_no = seq_no
        self.rule = rule
        self.succeeded = self.failed = 0
        self._reply: Resp | None = None
        self._node_errors: dict[int, Exception] | None = None

    def deliver(self, node_id: int, payload: bytes) -> None:
        rule = self.rule
        bit = rule.bits.get(node_id, 0)
        if self._reply is None:
            if not bit:
                return
            try:
                self._reply = self._method.parse_reply(payload)
            except DecodeError as error:
                self._count_failure(node_id, malformed_reply(self._method, node_id, error))
                return
        # As `count_success`, which would be one more call for each reply.
        succeeded = self.succeeded = self.succeeded | bit
        if rule.enough(succeeded):
            self.succeed(self._reply)

    def fail(self, node_id: int, error: Exception) -> None:
        if not self.decided:
            self._count_failure(node_id, error)

    def _count_failure(self, node_id: int, error: Exception) -> None:
        if self._node_errors is None:
            self._node_errors = {}
        self._node_errors[node_id] = error
        if self.count_failure(node_id):
            cause = NO_QUORUM if self.rule.number is None else None
            self.lose(IncompleteError(self._method.name, self._node_errors, self.successes, cause))
            self.forget()

    def end(self, node_id: int) -> None:
        """Only streaming calls are ended by their nodes."""

    def was_silent(self, node_id: int) -> bool:  # noqa: ARG002 - streaming calls need it
        """Whether a node that still owes a reply has sent none."""
        return True

    def forget(self) -> None:
        for node in self._config:
            if self.withdrawn or self.streaming:
                node.channel.give_up(self._seq_no)
            else:
                node.channel.forget(self._seq_no)

    def timeout_error(self) -> Exception:
        """Forget the call; nodes that said nothing are among the errors."""
        errors = dict(self._node_errors or {})
        for node in self._config:
            owed = node.channel.give_up(self._seq_no)
            if owed and self.was_silent(node.id):
                text = f"no reply from {node.address} within {self.timeout} s"
                errors[node.id] = CallTimeoutError(text, node_id=node.id)
        return QuorumTimeoutError(self._method.name, errors, self.successes)


class StreamingThresholdCall(ThresholdCall[Resp]):
    """The same for streaming quorum calls, in which a node may reply many times and counts once."""

    __slots__ = ("_replied",)
    streaming = True

    def __init__(
        self,
        future: Resolvable[Resp],
        method: Method[Req, Resp],
        config: Configuration,
        seq_no: int,
        rule: Rule,
        timeout: float | None,
    ) -> None:
        super().__init__(future, method, config, seq_no, rule, timeout)
        self._replied: set[int] = set()

    def deliver(self, node_id: int, payload: bytes) -> None:
        """A node replied, once more perhaps."""
        if node_id in self._replied:
            return
        self._replied.add(node_id)
        super().deliver(node_id, payload)
        if self.decided:
            self.forget()  # or its nodes would go on being listened to

    def fail(self, node_id: int, error: Exception) -> None:
        """A node failed; if it had replied before it has counted already, and is told of nevertheless."""
        if node_id not in self._replied:
            self._replied.add(node_id)
            super().fail(node_id, error)
        elif not self.decided:
            self._node_errors = {**(self._node_errors or {}), node_id: error}

    def end(self, node_id: int) -> None:
        """A node has ended its replies; if it sent none it has failed."""
        if node_id not in self._replied:
            text = "the node ended the call without a reply"
            self.fail(node_id, StatusError(grpc.StatusCode.UNKNOWN, text, node_id=node_id))

    def was_silent(self, node_id: int) -> bool:
        return node_id not in self._replied


Kinds = tuple[type[ThresholdCall[Any]], type[ThresholdCall[Any]]]
KINDS: Kinds = (ThresholdCall, StreamingThresholdCall)
"""What calls are made of whose nodes reply once, and of those that may reply more often."""

Ask = Callable[[Any, PendingCall, int], None]
"""Gets a call, what its nodes tell of their answers, and its number."""


def send_threshold_call(
    future: Resolvable[Resp],
    method: Method[Req, Resp],
    config: Configuration,
    request: Req | bytes,
    need: Need,
    options: CallOptions,
    kinds: Kinds | None = None,
    ask: Ask | None = None,
) -> ThresholdCall[Resp]:
    """Send a quorum call to all nodes, now.

    Args:
        future: For the outcome.
        method: The method.
        config: The nodes.
        request: The request, or its bytes, the same for all.
        need: How many nodes must succeed, or which; None: all. If there are not that many nothing is sent.
        options: What it is made with.
        kinds: The classes of calls that are not these.
        ask: Sends it, if not all nodes are asked at once.
    """
    pool = config.pool
    seq_no = pool.next_seq_no()
    kind: Any = (kinds or KINDS)[method.streaming]
    if need is None:
        need = len(config.nodes) or 1
    rule = config.rules.get(need) or (need if isinstance(need, Rule) else config.rule(need))
    call: ThresholdCall[Resp] = kind(future, method, config, seq_no, rule, options.timeout)
    told: PendingCall = call
    if pool.observers.call is not None:
        told = pool.observers.call(call, method, config.nodes)
    if not rule.possible:
        call.lose(too_few_nodes(method.name, rule.number or 0, len(config)))
        return call
    try:
        call.frame = encode_request(pool, method, seq_no, request, options, call.frame)
    except StatusError as error:
        for node in config:
            told.fail(node.id, StatusError(error.code(), error.message, node_id=node.id))
        return call
    if ask is not None:
        ask(call, told, seq_no)
        return call
    for node in config.nodes:
        node.channel.request(seq_no, told)
    return call
