"""Servers of a simulation, and the ways to say which hosts are meant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from pygorums.testing.simulation.hosts import Host

__all__ = ["Hosts", "Replica", "address_of", "names_of", "shown_names"]


class Replica:
    """A server or system of a simulation, on a host of its own.

    It stays the same when its host crashes and is restarted. Other attributes are those of its service, or of its
    system: of what runs now, or of what ran last if it is down.

    Attributes:
        host: Where it runs.
        node_id: Its ID.
        address: Where it listens.
        service: What the factory made, the last time that the host started.
        system: The `pygorums.System`, or `pygorums.Server`, around it.
    """

    def __init__(self, host: Host, node_id: int, address: str) -> None:
        self.host = host
        self.node_id = node_id
        self.address = address
        self.service: Any = None
        self.system: Any = None

    @property
    def up(self) -> bool:
        """Whether it has not crashed, or was restarted since."""
        return self.host.up

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        service = self.__dict__.get("service")
        if hasattr(service, name):
            return getattr(service, name)
        return getattr(self.__dict__.get("system"), name)

    def __repr__(self) -> str:
        return f"<replica {self.node_id} on {self.host.name}>"


Hosts = str | Host | Replica | Iterable["str | Host | Replica"]


def address_of(node: Replica | str) -> str:
    """Where it listens."""
    return node.address if isinstance(node, Replica) else node


def names_of(hosts: Hosts) -> list[str]:
    """The names of hosts, however they are given."""
    if isinstance(hosts, str):
        return [hosts]
    if isinstance(hosts, Host):
        return [hosts.name]
    if isinstance(hosts, Replica):
        return [hosts.host.name]
    return [name for each in cast("Iterable[str | Host | Replica]", hosts) for name in names_of(each)]


def shown_names(hosts: Hosts) -> str:
    """The same, for people."""
    return ", ".join(names_of(hosts))
