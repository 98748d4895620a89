"""Reading and writing: each takes two rounds, to a quorum of reads and then to one of writes."""

import uuid

import pygorums as gorums
from examples.register.register_gorums import keep, query
from examples.register.register_pb2 import Key, Value
from examples.register.replica import age
from pygorums.quorums import QuorumSystem

__all__ = ["Register"]


class Register:
    """Values by key, as if there was one copy of each. Tasks may share it.

    Args:
        config: The replicas.
        system: Which of them have to take part: each quorum of reads has a node in common with each quorum of writes.
        timeout: Seconds that a round may take.
    """

    def __init__(self, config: gorums.Configuration, system: QuorumSystem, *, timeout: float = 1.0) -> None:
        self._config, self._system, self._timeout = config, system, timeout
        self._writes = 0
        self._name = uuid.uuid4().hex

    async def read(self, key: str) -> str | None:
        """The newest value, or None if nothing was written.

        Whatever a read returns, no later read returns an older one: it is given to a quorum before. That round is left
        out if all who were asked had it and are enough.

        Raises:
            QuorumCallError: Too few replicas have answered, or not in time.
        """
        replies = await self._query(key)
        newest = max(replies.values(), key=age)
        have = {node_id for node_id, value in replies.items() if age(value) == age(newest)}
        if not self._system.writes.is_quorum(have):
            await self._keep(newest)
        return newest.text if newest.number else None

    async def write(self, key: str, text: str) -> None:
        """Write a value that is newer than all that were written before.

        Raises:
            QuorumCallError: Too few replicas have answered, or not in time. The value may be read at any time later.
        """
        newest = max((await self._query(key)).values(), key=age)
        self._writes += 1  # two writes of one client may go on at the same time, and need names of their own
        writer = f"{self._name} {self._writes}"
        await self._keep(Value(key=key, text=text, number=newest.number + 1, writer=writer))

    async def _query(self, key: str) -> dict[int, Value]:
        return await query(self._config, Key(key=key), timeout=self._timeout).collect_quorum(self._system.reads)

    async def _keep(self, value: Value) -> None:
        await keep(self._config, value, timeout=self._timeout).quorum(self._system.writes)
