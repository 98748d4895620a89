"""A client: finds the leader, and asks again without having a command executed twice."""

import asyncio
import random
import uuid

import pygorums as gorums
from examples.raft.raft_gorums import change, execute
from examples.raft.raft_pb2 import Command, Member, Outcome

__all__ = ["Client"]


class Client:
    """Executes one command after the other. Tasks that share a client take turns; each may have one of its own.

    Args:
        config: The members, or as many of them as are known. Nodes are asked by their IDs.
        patience: Seconds that one member gets to answer before another one is asked.
        pause: Seconds to wait when nobody leads.
    """

    def __init__(self, config: gorums.Configuration, *, patience: float = 1.0, pause: float = 0.05) -> None:
        self._config = config
        self._patience, self._pause = patience, pause
        self._name = uuid.uuid4().hex
        self._number = 0
        self._leader = 0
        self._turn = asyncio.Lock()

    async def get(self, key: str, *, timeout: float = 10.0) -> str | None:
        """The newest value.

        Raises:
            TimeoutError: No leader has answered in time.
        """
        outcome = await self._ask(Command(kind=Command.GET, key=key), timeout)
        return outcome.value if outcome.HasField("value") else None

    async def put(self, key: str, value: str, *, timeout: float = 10.0) -> None:
        """Store a value.

        Raises:
            TimeoutError: No leader has answered in time. It may be stored at any time later, or never.
        """
        await self._ask(Command(kind=Command.PUT, key=key, value=value), timeout)

    async def cas(self, key: str, expected: str | None, value: str, *, timeout: float = 10.0) -> bool:
        """Store a value if another one is there, or none; whether it was.

        Raises:
            TimeoutError: As for `put`.
        """
        command = Command(kind=Command.CAS, key=key, value=value, expected=expected)
        return (await self._ask(command, timeout)).done

    async def change(self, node_id: int, address: str = "", *, timeout: float = 10.0) -> None:
        """Add a member, or without an address remove one.

        Raises:
            TimeoutError: No leader has done so in time.
        """
        await self._ask(Member(id=node_id, address=address), timeout)

    async def _ask(self, what: Command | Member, timeout: float) -> Outcome:
        async with asyncio.timeout(timeout), self._turn:
            if isinstance(what, Command):
                self._number += 1
                what.client, what.number = self._name, self._number
            while True:
                node_ids = self._config.node_ids
                node = self._config.node(self._leader if self._leader in node_ids else random.choice(node_ids))
                try:
                    if isinstance(what, Command):
                        outcome = await execute(node, what, timeout=self._patience)
                    else:
                        outcome = await change(node, what)
                except gorums.StatusError:
                    self._leader = 0
                else:
                    if not outcome.refused:
                        self._leader = node.id
                        return outcome
                    self._leader = outcome.leader
                if not self._leader:
                    await asyncio.sleep(self._pause)
