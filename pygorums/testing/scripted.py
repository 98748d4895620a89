"""Nodes that answer as they were told, without a network: the engine above them is the one of every program."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from pygorums.base.method import CallType, Method
from pygorums.base.timeout import check_timeout
from pygorums.nodes.address import numbered
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.node import Node, Pool
from pygorums.streams.outgoing import Outgoing
from pygorums.streams.pending import PendingCall, PendingCalls

__all__ = ["SILENT", "Answer", "Silence", "scripted_configuration", "scripted_method"]

Resp = TypeVar("Resp", bound=Message)


class Silence(enum.Enum):
    """The type of `SILENT`."""

    SILENT = "silent"

    def __repr__(self) -> str:
        return "SILENT"


SILENT: Final = Silence.SILENT
"""A node that does not answer: when all others have, the time is up."""

One: TypeAlias = Resp | Exception | Silence
Answer: TypeAlias = Resp | Exception | Silence | Sequence[Resp | Exception | Silence]
"""What a node answers: a reply, an error, `SILENT`, or several of these, one after the other, in a streaming call."""


READING_TURNS = 10
"""So many turns of the event loop whoever reads the answers has, before the time is up."""


class _Expiring(PendingCall, Protocol):
    def expire(self, timeout: float | None) -> None:
        """The time is up."""


class _Script:
    """Delivers the answers of all nodes to one call, each in a turn of the event loop of its own."""

    def __init__(self, answers: Mapping[int, Sequence[One[Any]]], timeout: float | None) -> None:
        self._answers = answers
        self._timeout = timeout
        self._calls: dict[int, _Expiring] = {}
        self._left: list[tuple[int, One[Any] | None]] = []  # what is still to be said, and by whom
        self._silent: set[int] = set()
        self._playing = False
        self._turns = 0

    def ask(self, node_id: int, call: _Expiring) -> None:
        """A node is sent the call."""
        self._calls[node_id] = call
        self._left += [(node_id, answer) for answer in (*self._answers[node_id], None)]
        self._go_on()

    def answers(self, node_id: int) -> Sequence[One[Any]]:
        """What a node says."""
        return self._answers[node_id]

    def _go_on(self) -> None:
        if not self._playing:
            self._playing = True
            asyncio.get_running_loop().call_soon(self._play)  # when all have been sent it

    def _play(self) -> None:
        """Say the next thing that anybody has to say."""
        self._playing = False
        while self._left:
            node_id, answer = self._left.pop(0)
            call = self._calls[node_id]
            if node_id in self._silent:
                continue
            if answer is SILENT:
                self._silent.add(node_id)
            elif not call.decided and (answer is not None or call.streaming):
                _deliver(call, node_id, answer)
                self._turns = READING_TURNS
                self._go_on()
                return
        if self._turns and self._silent:
            self._turns -= 1
            self._go_on()
            return
        for node_id in self._silent:
            call = self._calls[node_id]
            ask_more: Callable[[], bool] | None = getattr(call, "ask_more", None)
            if ask_more is not None and ask_more():
                return  # others, as if the time for that had passed
            if self._timeout is not None:
                call.expire(self._timeout)


def _deliver(call: _Expiring, node_id: int, answer: Message | Exception | None) -> None:
    if answer is None:
        call.end(node_id)
    elif isinstance(answer, Exception):
        call.fail(node_id, answer)
    else:
        call.deliver(node_id, answer.SerializeToString())


class _ScriptedChannel:
    """One node of a script, as the call functions see it."""

    connected = True
    closed = False
    inbound = False
    suspected = False
    last_error = None
    waiting = queued_bytes = opened = 0

    def __init__(self, node_id: int, script: _Script) -> None:
        self._node_id = node_id
        self._script = script
        self.pending = PendingCalls(node_id, 0)

    def request(self, seq_no: int, call: Any) -> None:  # noqa: ARG002 - there is one call only
        """Have the node's answers delivered."""
        self._script.ask(self._node_id, call)

    def post(self, frame: bytes, owner: Outgoing) -> None:
        """No one-way message is sent to a script."""
        raise NotImplementedError

    def forget(self, seq_no: int) -> bool:  # noqa: ARG002 - there is one call only
        """Whether the node owed a reply: if it was to be silent, it has none to give."""
        return SILENT in self._script.answers(self._node_id)

    give_up = forget

    def withdraw(self) -> None:
        """Nothing waits to be sent."""

    async def close(self, why: str | None = None) -> None:
        """Nothing is open."""


def scripted_configuration(answers: Mapping[int, Answer[Any]], timeout: float | None) -> Configuration:
    """The nodes of a script, for one call whose timeout is not measured: it is up when nothing else is left.

    Raises:
        ConfigurationError: There are none, or an ID cannot be one.
        TypeError, ValueError: `timeout` is no number of seconds.
    """
    check_timeout(timeout)
    addresses = numbered({node_id: f"node-{node_id}:1" for node_id in answers})
    script = _Script({node_id: _several(answer) for node_id, answer in answers.items()}, timeout)
    pool = Pool(max_message=1 << 31)
    for node_id in answers:
        pool.put(Node(node_id, addresses[node_id], _ScriptedChannel(node_id, script), pool))
    return Configuration(pool.nodes.values(), pool)


def _several(answer: Answer[Any]) -> Sequence[One[Any]]:
    return answer if isinstance(answer, Sequence) else (answer,)


def scripted_method(answers: Mapping[int, Answer[Resp]]) -> Method[Empty, Resp]:
    """A quorum call whose replies are those of a script; a streaming one if a node answers several times.

    Raises:
        TypeError: The replies are of different types, or an answer is none.
    """
    if not isinstance(answers, Mapping):
        raise TypeError(f"answers must be a mapping from node IDs to what each node answers, not {answers!r:.100}")
    kinds: set[type[Any]] = set()
    for answer in (one for several in answers.values() for one in _several(several)):
        if isinstance(answer, Message):
            kinds.add(type(answer))
        elif not isinstance(answer, Exception | Silence):
            raise TypeError(f"a node answers with a message, an exception or SILENT, not with {answer!r:.100}")
    if len(kinds) > 1:
        names = " and ".join(sorted(kind.DESCRIPTOR.full_name for kind in kinds))
        raise TypeError(f"the replies of one call are of one type, not {names}")
    streaming = any(isinstance(answer, Sequence) for answer in answers.values())
    kind = CallType.STREAMING_QUORUM_CALL if streaming else CallType.QUORUM_CALL
    return Method("pygorums.testing.Responses", kind, Empty, kinds.pop() if kinds else Empty, idempotent=True)
