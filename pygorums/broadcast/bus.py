"""Broadcast: what one member sends all members deliver."""

from __future__ import annotations

import asyncio
import inspect
import logging
import secrets
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Literal

from google.protobuf import descriptor_pool
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from pygorums.base.errors import GorumsError, StoppedError
from pygorums.broadcast.broadcast_gorums import BroadcastingServer, pass_
from pygorums.broadcast.broadcast_pb2 import Parcel
from pygorums.broadcast.seen import Seen
from pygorums.nodes.changes import Changes, NodeUp
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.node import Node
from pygorums.serving.context import ServerContext
from pygorums.serving.system import System

__all__ = ["Broadcast", "Mode"]

Mode = Literal["best_effort", "reliable", "fifo"]
"""What a `Broadcast` promises."""

Deliver = Callable[[int, Any], Awaitable[None] | None]

KEPT_BYTES = 16 << 20
"""Messages that are kept for members which get connected again, the newest ones."""

KEPT_LIVES = 4
"""Lives of one member whose numbers are remembered: late messages of older ones are not delivered."""

_log = logging.getLogger("pygorums.broadcast")


class Broadcast(BroadcastingServer):
    """Sends messages to all members of a system, and delivers those that members send. All members must have one.

    - ``"best_effort"``: a message is sent once to all. If its sender crashes meanwhile some may get it and others not.
    - ``"reliable"``: whoever gets a message passes it on before it delivers it: if one member that goes on delivers it
      all do. Costs n² messages.
    - ``"fifo"``: as that, and messages of one sender are delivered in the order in which it has sent them.

    Each message is delivered once, also at its sender. A member that was cut off gets what it has missed when it is
    connected again, as far as 16 MiB of messages reach back. What is never delivered, for more was missed than that, is
    counted in `lost`. Nothing outlives a crash of a member: one that starts again has missed what was sent before.

    A system has one of them. It is registered with the system, which may have been started; members that are told of
    something before they have one log that there is no such method, and miss it.

    Args:
        system: The member. Its peers are the other members, also after `System.reconfigure`.
        deliver: Called with the sender's ID and the message, one call after the other; if it is an ``async def`` it is
            awaited before the next one. What it raises is logged.
        mode: What is promised.

    Attributes:
        mode: The same.
        lost: How many messages are known to have been sent and will not be delivered.

    Raises:
        ValueError: There is no such mode.
    """

    def __init__(self, system: System, deliver: Deliver, mode: Mode = "reliable") -> None:
        if mode not in ("best_effort", "reliable", "fifo"):
            raise ValueError(f"mode is 'best_effort', 'reliable' or 'fifo', not {mode!r}")
        self.mode: Mode = mode
        self._system = system
        self._deliver = deliver
        self._incarnation = secrets.randbits(64)
        self._sent = 0
        self._origins: dict[int, OrderedDict[int, _Life]] = {}
        self._kept: deque[Parcel] = deque()
        self._kept_bytes = 0
        self._mail: deque[tuple[int, Message]] = deque()
        self._handing_out = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._running = False
        system.register(self)

    @property
    def lost(self) -> int:
        """How many messages are known to have been sent and will not be delivered."""
        return sum(life.seen.lost for lives in self._origins.values() for life in lives.values())

    async def started(self, system: System) -> None:  # noqa: ARG002 - it is the one that it was made for
        """Begin, once the system serves."""
        self._begin()

    def _begin(self) -> None:
        if not self._running:
            self._running = True
            if self.mode != "best_effort":
                self._task(self._repeat(self._system.outbound.changes()))

    def _task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name="pygorums broadcast")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def send(self, message: Message) -> None:
        """Send a message of any generated type to all members, this one too.

        Returns once it was sent to those that are connected.

        Raises:
            StoppedError: The system has stopped, or was not started.
        """
        if not self._system.was_started or self._system.was_stopped:
            raise StoppedError("the system does not run, so that nothing can be broadcast")
        self._begin()
        self._sent += 1
        packed = AnyMessage()
        packed.Pack(message)
        parcel = Parcel(origin=self._system.node_id, incarnation=self._incarnation, number=self._sent, message=packed)
        self._take(parcel)
        await self._pass_on(self._others(), parcel)

    async def pass_(self, ctx: ServerContext, request: Parcel) -> None:
        """Take a message from another member."""
        self._begin()
        if request.origin in self._system.outbound.node_ids and self._take(request) and self.mode != "best_effort":
            self._task(self._pass_on(self._others(request.origin, ctx.peer_id), request))

    def _take(self, parcel: Parcel) -> bool:
        """Note a message, and have it delivered when it is its turn; whether it is new."""
        lives = self._origins.setdefault(parcel.origin, OrderedDict())
        life = lives.get(parcel.incarnation)
        if life is None:
            life = lives[parcel.incarnation] = _Life()
            if len(lives) > KEPT_LIVES:
                lives.popitem(last=False)
        if not life.seen.add(parcel.number):
            return False
        if self.mode != "best_effort":
            self._keep(parcel)
        for each in life.next(parcel) if self.mode == "fifo" else (parcel,):
            self._post(each)
        return True

    def _post(self, parcel: Parcel) -> None:
        name = parcel.message.TypeName()
        try:
            message: Message = GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(name))()
        except KeyError:
            _log.error("Node %d has broadcast a %s, which this program does not know", parcel.origin, name)
            return
        parcel.message.Unpack(message)
        self._mail.append((parcel.origin, message))
        if not self._handing_out:
            self._handing_out = True
            self._task(self._hand_out())

    async def _hand_out(self) -> None:
        try:
            while self._mail:
                sender, message = self._mail.popleft()
                try:
                    result = self._deliver(sender, message)
                    if inspect.isawaitable(result):
                        await result
                except Exception:
                    _log.exception("deliver has failed for a message of node %d", sender)
        finally:
            self._handing_out = False

    def _keep(self, parcel: Parcel) -> None:
        self._kept.append(parcel)
        self._kept_bytes += parcel.ByteSize()
        while self._kept_bytes > KEPT_BYTES:
            self._kept_bytes -= self._kept.popleft().ByteSize()

    async def _repeat(self, changes: Changes[Node]) -> None:
        """Send what is kept to whoever gets connected: some of it may have been lost."""
        async for change in changes:
            if isinstance(change, NodeUp) and change.node_id != self._system.node_id:
                self._task(self._repeat_to(change.node_id))

    async def _repeat_to(self, node_id: int) -> None:
        for parcel in list(self._kept):
            members = self._system.outbound
            if node_id not in members:
                return
            if parcel.origin != node_id:
                await self._pass_on(members.remove(*(each for each in members.node_ids if each != node_id)), parcel)

    def _others(self, *besides: int | None) -> Configuration:
        members = self._system.outbound
        known = members.node_ids
        return members.remove(*(each for each in {self._system.node_id, *besides} if each in known))

    @staticmethod
    async def _pass_on(members: Configuration, parcel: Parcel) -> None:
        with suppress(GorumsError):  # who is not connected gets it when it is
            if len(members):
                await pass_(members, parcel)


class _Life:
    """What one member has sent in one of its lives."""

    def __init__(self) -> None:
        self.seen = Seen()
        self._waiting: dict[int, Parcel] = {}
        self._delivered = 0

    def next(self, parcel: Parcel) -> list[Parcel]:
        """Of what has come, that which may be delivered now that this one has, in order."""
        self._waiting[parcel.number] = parcel
        ready = []
        while self._delivered < self.seen.upto:
            self._delivered += 1
            if (each := self._waiting.pop(self._delivered, None)) is not None:  # else it is lost
                ready.append(each)
        return ready
