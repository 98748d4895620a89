"""Where sockets lead to: a host and a port, or a file."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from pygorums.transports.address import unix_path

__all__ = ["Place", "peer_of"]


@dataclass(frozen=True, slots=True)
class Place:
    """What an address names.

    Attributes:
        address: As the user wrote it.
        host: A name or a number; empty for a unix socket.
        port: Its port.
        path: The file of a unix socket, or its abstract name after a NUL; empty if it is none.
    """

    address: str
    host: str
    port: int
    path: str

    @classmethod
    def of(cls, address: str) -> Place:
        """What an address means that was checked: ``host:port``, ``[ipv6]:port``, ``unix:path``, ``unix:@name``."""
        path = unix_path(address)
        if path is not None:
            return cls(address, "", 0, path)
        host, _, port = address.rpartition(":")
        return cls(address, host.removeprefix("[").removesuffix("]"), int(port), "")

    @property
    def authority(self) -> str:
        """What requests call it."""
        return "localhost" if self.path else self.address


def peer_of(name: object) -> str:
    """The name of a connected socket as gRPC writes it."""
    if isinstance(name, tuple):
        host, port = str(name[0]), name[1]
        return f"ipv6:{quote(f'[{host}]', safe=':')}:{port}" if ":" in host else f"ipv4:{host}:{port}"
    if isinstance(name, bytes):
        return f"unix-abstract:{name[1:].decode('utf-8', 'replace')}"
    return f"unix:{name or ''}"
