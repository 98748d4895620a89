"""A prompt: commands for the store, and for the members."""

import asyncio
import shlex
from collections.abc import Awaitable, Callable
from typing import TypeVar

from google.protobuf.empty_pb2 import Empty

import pygorums as gorums
from examples.raft.client import Client
from examples.raft.cluster import Cluster
from examples.raft.raft_gorums import status

__all__ = ["HELP", "Prompt"]

R = TypeVar("R")

HELP = """\
put KEY VALUE        store a value
get KEY              the newest value
cas KEY OLD VALUE    store a value if OLD is there; - means that nothing is there
status               who leads, and how far everybody is
members              who is in the cluster
members add ID       start a member, and add it to the cluster
members remove ID    remove a member from the cluster
kill ID              end a member as a crash would
restart ID           start it again
help, quit"""


class Prompt:
    """Reads lines, and says what came of them."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def run(self) -> None:
        """Read commands until there are no more, or one is ``quit``."""
        while True:
            try:
                line = input("raft> ")
            except (EOFError, KeyboardInterrupt):
                print()
                return
            try:
                words = shlex.split(line)
                if words == ["quit"]:
                    return
                if words:
                    print(self.execute(*words))
            except (ValueError, gorums.GorumsError) as error:
                print(error)
            except TimeoutError:
                print("no leader has answered; is a majority of the members up?")
            except KeyboardInterrupt:
                print("given up; it may still be done")

    def execute(self, command: str, *words: str) -> str:
        """Execute a command; what to show.

        Raises:
            ValueError: There is no such command.
            TimeoutError: Nobody leads.
        """
        match command, *words:
            case ["put", key, value]:
                self._ask(lambda client: client.put(key, value))
                return "stored"
            case ["get", key]:
                found = self._ask(lambda client: client.get(key))
                return "nothing is there" if found is None else found
            case ["cas", key, old, value]:
                expected = None if old == "-" else old
                done = self._ask(lambda client: client.cas(key, expected, value))
                return "stored" if done else "something else is there"
            case ["status"] | ["members"]:
                return asyncio.run(self._status(command == "members"))
            case ["members", "add", number]:
                added = _node_id(number)
                address = self._cluster.addresses[added] if self._cluster.running(added) else self._cluster.start(added)
                self._ask(lambda client: client.change(added, address))
                return f"member {added} at {address} is added"
            case ["members", "remove", number]:
                removed = _node_id(number)
                self._ask(lambda client: client.change(removed))
                return f"member {removed} is removed"
            case ["kill", number]:
                self._cluster.kill(_node_id(number))
                return "killed"
            case ["restart", number]:
                return f"it is on {self._cluster.start(_node_id(number))}"
            case ["help"]:
                return HELP
        raise ValueError(f"there is no command {' '.join([command, *words])!r}; help lists them")

    def _ask(self, what: Callable[[Client], Awaitable[R]]) -> R:
        async def asked() -> R:
            async with gorums.connect(self._cluster.addresses) as config:
                return await what(Client(config))

        return asyncio.run(asked())

    async def _status(self, members_only: bool) -> str:
        async with gorums.connect(self._cluster.addresses) as config:
            states = await status(config, Empty(), timeout=1).ignore_errors().collect_all()
        if members_only:
            newest = max(states.values(), key=lambda state: (state.role == "leader", state.commit), default=None)
            members = {} if newest is None else newest.members.addresses
            return "\n".join(f"{node_id}  {members[node_id]}" for node_id in sorted(members)) or "no member answers"
        lines = []
        for node_id in config.node_ids:
            state = states.get(node_id)
            if state is None:
                lines.append(f"{node_id}  does not answer")
            else:
                place = f"{state.commit} of {state.last} entries committed"
                lines.append(f"{node_id}  {state.role:9}  term {state.term}, {place}")
        return "\n".join(lines)


def _node_id(text: str) -> int:
    """The ID that somebody has written.

    Raises:
        ValueError: It is none.
    """
    if not text.isdecimal() or int(text) == 0:
        raise ValueError(f"an ID is a number from 1, not {text!r}")
    return int(text)
