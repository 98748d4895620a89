"""A member: broadcasts, and delivers what others have broadcast."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

import pygorums as gorums
from examples.bracha.bracha_gorums import BrachaServer, echo, initial, ready
from examples.bracha.bracha_pb2 import Message

__all__ = ["Instance", "Member"]

Say = Callable[[gorums.Configuration, Message], Awaitable[None]]


class Instance:
    """What one member knows of one message: who has said what of it. Decides without network and time.

    Args:
        n: How many members there are.
        f: How many of them may lie; less than a third.
    """

    def __init__(self, n: int, f: int) -> None:
        self._enough_echoes = (n + f) // 2 + 1  # two such sets have an honest member in common
        self._one_honest, self._honest_majority = f + 1, 2 * f + 1
        self._echoes: dict[int, bytes] = {}  # only the first word of each counts
        self._readies: dict[int, bytes] = {}
        self.echoed: bytes | None = None
        self.readied: bytes | None = None
        self.delivered: bytes | None = None

    def initial(self, content: bytes) -> None:
        """Hear it from its sender."""
        if self.echoed is None:
            self.echoed = content

    def echo(self, member: int, content: bytes) -> None:
        """Hear that a member has heard it."""
        self._echoes.setdefault(member, content)
        if self.readied is None and self._count(self._echoes, content) >= self._enough_echoes:
            self.readied = content

    def ready(self, member: int, content: bytes) -> None:
        """Hear that a member is ready to deliver it."""
        self._readies.setdefault(member, content)
        count = self._count(self._readies, content)
        if self.readied is None and count >= self._one_honest:
            self.readied = content
        if self.delivered is None and count >= self._honest_majority:
            self.delivered = content

    @staticmethod
    def _count(words: dict[int, bytes], content: bytes) -> int:
        return sum(word == content for word in words.values())


class Member(BrachaServer):
    """A service for a `pygorums.System`, whose members are the members of the broadcast.

    Who says something is known by the stream that it comes on: give the system TLS and an ``authorize``, so that nobody
    can take another one's number.

    Args:
        deliver: Called once for each message, with its sender, its number and its content.
        f: How many members may lie; by default as many as is possible, less than a third.
    """

    def __init__(self, deliver: Callable[[int, int, bytes], object], f: int | None = None) -> None:
        self._deliver, self._f = deliver, f
        self._instances: dict[tuple[int, int], Instance] = {}
        self._sent = 0
        self._said: dict[tuple[int, int, Say], Message] = {}  # each word once, in order
        self._delivered: set[tuple[int, int]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def started(self, system: gorums.System) -> None:
        """Begin, once the system serves."""
        self._system = system
        self._members = system.outbound.node_ids
        n = len(self._members)
        self._f = (n - 1) // 3 if self._f is None else self._f
        if n < 3 * self._f + 1:
            raise gorums.ConfigurationError(f"{n} members bear {(n - 1) // 3} liars, not {self._f}")
        self._begin(self._repeat(system.outbound.changes()))

    async def broadcast(self, content: bytes) -> int:
        """Broadcast a message; its number. Who is not connected gets it when it is."""
        self._sent += 1
        self._say(initial, Message(sender=self._system.node_id, number=self._sent, content=content))
        return self._sent

    async def initial(self, ctx: gorums.ServerContext, request: Message) -> None:
        """Hear a message: from its sender, or it does not count."""
        if ctx.peer_id == request.sender:
            self._instance(request).initial(request.content)
            self._speak(request)

    async def echo(self, ctx: gorums.ServerContext, request: Message) -> None:
        """Hear that somebody has heard it."""
        if ctx.peer_id is not None and request.sender in self._members:
            self._instance(request).echo(ctx.peer_id, request.content)
            self._speak(request)

    async def ready(self, ctx: gorums.ServerContext, request: Message) -> None:
        """Hear that somebody is ready."""
        if ctx.peer_id is not None and request.sender in self._members:
            self._instance(request).ready(ctx.peer_id, request.content)
            self._speak(request)

    def _instance(self, message: Message) -> Instance:
        key = message.sender, message.number
        found = self._instances.get(key)
        if found is None:
            assert self._f is not None
            found = self._instances[key] = Instance(len(self._members), self._f)
        return found

    def _speak(self, message: Message) -> None:
        """Tell all, ourselves too, what was decided just now."""
        instance, sender, number = self._instance(message), message.sender, message.number
        for say, content in ((echo, instance.echoed), (ready, instance.readied)):
            if content is not None:
                self._say(say, Message(sender=sender, number=number, content=content))
        if instance.delivered is not None and (sender, number) not in self._delivered:
            self._delivered.add((sender, number))
            self._deliver(sender, number, instance.delivered)

    def _say(self, say: Say, message: Message) -> None:
        """Say something to all, once."""
        key = message.sender, message.number, say
        if key not in self._said:
            self._said[key] = message
            self._begin(self._send(self._system.outbound, say, message))

    async def _repeat(self, changes: gorums.Changes[gorums.Node]) -> None:
        """Say all of it again to whoever gets connected, for some of it may have been lost. It counts once."""
        async for change in changes:
            if isinstance(change, gorums.NodeUp):
                members = self._system.outbound
                only = members.remove(*(node_id for node_id in members.node_ids if node_id != change.node_id))
                for (_, _, say), message in list(self._said.items()):
                    await self._send(only, say, message)

    @staticmethod
    async def _send(members: gorums.Configuration, say: Say, message: Message) -> None:
        with suppress(gorums.SendError):  # who is not connected gets it when it is
            await say(members, message)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """A handler does not wait until all others have been reached."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
