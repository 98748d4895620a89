"""From a command to a call, and from its outcome to the lines that the user sees."""

from collections.abc import Callable

import pygorums as gorums
from examples.storage.commands import (
    CallCommand,
    CorrectableRead,
    Multicast,
    NestedRead,
    NestedWrite,
    QuorumRead,
    QuorumWrite,
    RpcRead,
    RpcWrite,
    Unicast,
)
from examples.storage.failures import failure_lines, node_lines
from examples.storage.moments import now
from examples.storage.quorum import majority, read_newest, written_by_majority
from examples.storage.storage_gorums import (
    read_correctable,
    read_nested_qc,
    read_qc,
    read_rpc,
    write_multicast,
    write_nested_multicast,
    write_qc,
    write_rpc,
    write_unicast,
)
from examples.storage.storage_pb2 import ReadRequest, ReadResponse, WriteRequest

__all__ = ["Calls", "found"]

TIMEOUT = 1.0
"""Seconds for a call."""

CORRECTABLE_TIMEOUT = 2.0
"""Seconds for a correctable call."""

_NAMES: dict[type[CallCommand], str] = {
    RpcRead: "Read",
    RpcWrite: "Write",
    Unicast: "Unicast",
    Multicast: "Multicast",
    QuorumRead: "Read",
    QuorumWrite: "Write",
    CorrectableRead: "Correctable read",
    NestedRead: "Nested read",
    NestedWrite: "Nested write",
}


class Calls:
    """Makes the calls that commands ask for, and shows what comes of them.

    Args:
        config: The nodes, which commands name by their index in it.
        show: Gets each line.
    """

    def __init__(self, config: gorums.Configuration, show: Callable[[str], None]) -> None:
        self._config = config
        self._show = show

    async def execute(self, command: CallCommand) -> None:
        """Make a call. If it fails, that is shown too; nothing is raised for it."""
        try:
            await self._make(command)
        except (gorums.StatusError, gorums.QuorumCallError) as error:
            for line in failure_lines(_NAMES[type(command)], error, self._config):
                self._show(line)

    async def _make(self, command: CallCommand) -> None:
        match command:
            case RpcRead(node, key):
                self._show(found(key, await read_rpc(self._config[node], _read(key), timeout=TIMEOUT)))
            case RpcWrite(node, key, value):
                written = await write_rpc(self._config[node], _write(key, value), timeout=TIMEOUT)
                self._show("Write OK" if written.new else _too_old(key))
            case Unicast(node, key, value):
                await write_unicast(self._config[node], _write(key, value), timeout=TIMEOUT)
                self._show("Unicast OK")
            case Multicast(key, value):
                await write_multicast(self._config, _write(key, value), timeout=TIMEOUT)
                self._show("Multicast OK")
            case QuorumRead(nodes, key):
                await self._quorum_read(key, read_qc(self._select(nodes), _read(key), timeout=TIMEOUT))
            case NestedRead(nodes, key):
                await self._quorum_read(key, read_nested_qc(self._select(nodes), _read(key), timeout=TIMEOUT))
            case QuorumWrite(nodes, key, value):
                responses = write_qc(self._select(nodes), _write(key, value), timeout=TIMEOUT)
                self._show("Write OK" if await written_by_majority(responses) else _too_old(key))
            case NestedWrite(nodes, key, value):
                responses = write_nested_multicast(self._select(nodes), _write(key, value), timeout=TIMEOUT)
                self._show("Nested write OK" if await written_by_majority(responses) else _too_old(key))
            case CorrectableRead(nodes, key):
                await self._correctable_read(self._select(nodes), key)

    async def _quorum_read(self, key: str, responses: gorums.Responses[ReadResponse]) -> None:
        self._show(found(key, await read_newest(responses)))
        if responses.replies < majority(responses.size):
            self._show(f"There may be a newer value: only {responses.replies} of {responses.size} nodes replied:")
            for line in node_lines(responses.node_errors, self._config):
                self._show(line)

    async def _correctable_read(self, config: gorums.Configuration, key: str) -> None:
        # Half of the nodes, rounded up, as in the example of Gorums: a level to stop at, not a majority.
        levels = (len(config) + 1) // 2
        correctable = read_correctable(config, _read(key), timeout=CORRECTABLE_TIMEOUT).correctable(levels)
        try:
            async for reply, level in correctable:
                self._show(f"{found(key, reply)} (level {level})")
        finally:
            correctable.cancel()
        self._show("Correctable read finished")

    def _select(self, indices: tuple[int, ...]) -> gorums.Configuration:
        return self._config[:0].add(*(self._config[index].id for index in indices))


def found(key: str, reply: ReadResponse) -> str:
    """What a read gave."""
    return f"{key} = {reply.value}" if reply.OK else f"{key} was not found"


def _too_old(key: str) -> str:
    return f"Failed to update {key}: timestamp too old."


def _read(key: str) -> ReadRequest:
    return ReadRequest(key=key)


def _write(key: str, value: str) -> WriteRequest:
    return WriteRequest(key=key, value=value, time=now())
