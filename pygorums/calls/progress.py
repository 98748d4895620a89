"""What has become of a call node by node: one count for all ways to end it."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Sequence
from typing import Any

from pygorums.base.errors import IncompleteError, RejectedError, counted
from pygorums.base.method import Method
from pygorums.calls.needs import Need
from pygorums.calls.preparing import NO_QUORUM, too_few_nodes
from pygorums.calls.response import NodeResponse
from pygorums.quorum.rule import Rule
from pygorums.quorum.tally import Tally

__all__ = ["Progress"]


class Progress:
    """What the reader of a call has been given, after interceptors and filters have done with it.

    Attributes:
        config: The nodes, of either world.
        method_name: The method's full name.
        left_out: The nodes that interceptors have left out, by ID: they are not asked.
        node_errors: The error of each node that failed, or whose replies were all rejected, by ID.
        timed_out: Whether the time was up before all nodes had answered.
        timeout: Seconds that the call may take, or None.
        deadline: When its time is up, by the clock of the event loop; None for no limit, or before it is sent.
        satisfied: Whether the caller has got what it wanted. Nodes that still owe their only reply are not told then
            that nobody waits for it: they were asked, perhaps to store something, and the call has not failed.
        rejected: Told of each node whose reply had come and was rejected, by those who need to know.
        observed: Whether somebody wants to know how it ends, for whom this is kept:
        done: Whether the caller has got its result.
    """

    __slots__ = (
        "_failure",
        "_given",
        "_heard",
        "_one_way",
        "_streaming",
        "config",
        "deadline",
        "done",
        "left_out",
        "method_name",
        "node_errors",
        "observed",
        "rejected",
        "satisfied",
        "timed_out",
        "timeout",
    )

    def __init__(self, method: Method[Any, Any], config: Any) -> None:
        self.config = config
        self.method_name = method.name
        self.left_out: Sequence[int] = ()
        self.rejected: Callable[[int], None] | None = None
        self.node_errors: dict[int, Exception] = {}
        self.timed_out = False
        self.timeout: float | None = None
        self.deadline: float | None = None
        self.satisfied = False
        self.observed = False
        self.done = False
        self._failure: BaseException | None = None
        self._streaming = method.streaming
        self._one_way = method.one_way
        self._heard: dict[int, Exception | None] = {}  # how each node's newest response came from the wire
        self._given: set[int] = set()  # the nodes of which the reader has a reply

    @property
    def replies(self) -> int:
        """How many nodes have given a reply that was not rejected."""
        return len(self._given)

    @property
    def asked(self) -> int:
        """How many nodes are asked."""
        return len(self.config) - len(self.left_out)

    def tally(self, need: Need) -> Tally:
        """What counts the nodes for a call that needs these."""
        rule = need if isinstance(need, Rule) else self.config.rule(max(self.asked, 1) if need is None else need)
        return Tally(rule)

    def hear(self, node_id: int, error: Exception | None) -> None:
        """A response has come from the wire. Interceptors have their say before it counts."""
        self._heard[node_id] = error

    def take(self, response: NodeResponse[Any]) -> None:
        """A response has come through all interceptors, filters and checks."""
        node_id = response.node_id
        if response.error is None:
            self._given.add(node_id)
            if self.node_errors:
                self.node_errors.pop(node_id, None)
        elif node_id not in self._given or self._heard.get(node_id) is not None:
            # Otherwise one of several replies was rejected, of a node that has given one which counts.
            self.node_errors[node_id] = response.error
            if self.rejected is not None and self._heard.get(node_id) is None:
                self.rejected(node_id)

    def lost(self, tally: Tally) -> bool:
        """Whether it is certain that too few nodes will succeed.

        In a streaming call a node whose reply was rejected may still send a better one.
        """
        for node_id in self.left_out:
            tally.count_failure(node_id)
        for node_id in self.node_errors:
            if node_id not in self._given and (not self._streaming or self._heard.get(node_id) is not None):
                tally.count_failure(node_id)
        return tally.lost

    def end(self) -> None:
        """All has been read: of what was heard and never came through, it is clear now that it was dropped.

        Only of one-way messages that is no failure.
        """
        if self._one_way:
            return
        for node_id, error in self._heard.items():
            if node_id not in self._given and node_id not in self.node_errors:
                self.node_errors[node_id] = error or RejectedError("its reply was dropped by an interceptor")

    def fail(self, error: BaseException) -> None:
        """The caller gets an error, or leaves."""
        if self.observed:
            self._failure = error

    def outcome(self) -> BaseException | None:
        """What the call ended with, for those who observe it: None for success, `CancelledError` if it was left."""
        failure, self._failure = self._failure, None  # or it and its traceback would keep each other alive
        if failure is not None or self.done:
            return failure
        if self.timed_out:
            return IncompleteError.of(self)
        if self._given or (self._one_way and not self.node_errors):
            return None
        return IncompleteError.of(self) if self.node_errors else CancelledError()

    def incomplete(self, rule: Rule | None = None) -> IncompleteError:
        """The error of a call that has not got the replies it needs, if it says which."""
        need = None if rule is None else rule.number
        if need is None:
            if rule is None or self.timed_out:
                return IncompleteError.of(self)
            return IncompleteError(self.method_name, self.node_errors, self.replies, NO_QUORUM)
        if need > len(self.config):
            return too_few_nodes(self.method_name, need, len(self.config))
        if need > self.asked:
            asked = f"{self.asked} of {counted(len(self.config), 'node')} {'was' if self.asked == 1 else 'were'} asked"
            return IncompleteError(
                self.method_name,
                self.node_errors,
                self.replies,
                f"incomplete call: it needs {counted(need, 'reply', 'replies')} and only {asked}",
            )
        return IncompleteError.of(self)
