"""Quorum calls that wait for one outcome and ask few nodes first."""

from __future__ import annotations

from functools import partial
from typing import Any, TypeVar

from google.protobuf.message import Message

from pygorums.base.method import Method
from pygorums.calls.active_call import Resolvable
from pygorums.calls.hedging import Hedger, Hedging, Late
from pygorums.calls.needs import Need
from pygorums.calls.threshold_call import Kinds, StreamingThresholdCall, ThresholdCall, send_threshold_call
from pygorums.nodes.call_options import CallOptions
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.node import Node

__all__ = ["send_hedged_call"]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


class _Hedged(ThresholdCall[Resp]):
    """What both kinds have in common."""

    __slots__ = ()  # or the two could not be joined
    hedger: Hedger | None

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.hedger = None  # type: ignore[misc]  # the slot is that of each kind

    def succeed(self, result: Resp) -> None:
        self._stop()
        super().succeed(result)

    def _finish(self, error: BaseException | None) -> None:
        self._stop()
        super()._finish(error)

    def _stop(self) -> None:
        if self.hedger is not None:
            self.hedger.stop()

    def _count_failure(self, node_id: int, error: Exception) -> None:
        super()._count_failure(node_id, error)
        if self.hedger is not None:
            self.hedger.replace()

    def ask_more(self) -> bool:
        """Ask others than those that are silent, as after some time. Whether any were left."""
        return self.hedger is not None and self.hedger.ask_more()


class _HedgedCall(_Hedged[Resp]):
    __slots__ = ("hedger",)


class _HedgedStreamingCall(_Hedged[Resp], StreamingThresholdCall[Resp]):
    __slots__ = ("hedger",)


KINDS: Kinds = (_HedgedCall, _HedgedStreamingCall)


def send_hedged_call(
    future: Resolvable[Resp],
    method: Method[Req, Resp],
    config: Configuration,
    request: Req | bytes,
    need: Need,
    options: CallOptions,
    hedging: Hedging,
) -> ThresholdCall[Resp]:
    """As `send_threshold_call`, but first to as few nodes as can be what is needed, and later to more.

    Nodes that do not count are not asked.
    """
    ask = partial(_start, hedging, config)
    return send_threshold_call(future, method, config, request, need, options, KINDS, ask)


def _start(hedging: Hedging, config: Configuration, call: Any, told: Any, seq_no: int) -> None:
    loop = config.pool.loop

    def ask(node: Node, late: bool) -> None:
        node.channel.request(seq_no, Late(told, loop.time()) if late else told)

    nodes = {node.id: node for node in config.nodes if node.id in call.rule.bits}
    call.hedger = Hedger(hedging, call, nodes, ask, loop)
    call.hedger.start()
