"""What an address may look like, whatever goes there."""

from __future__ import annotations

import re

from pygorums.base.errors import ConfigurationError

__all__ = ["split_address", "unix_path"]

_HOST = re.compile(r"[^\s\[\]/:@,?#%]+")
_IPV6 = re.compile(r"[0-9A-Fa-f:.]+(%[0-9A-Za-z_.~-]+)?")
_PORT = re.compile(r"[0-9]{1,5}")


def split_address(address: str, *, any_port: bool = False) -> tuple[str, int]:
    """Host and port of ``host:port`` or ``[ipv6]:port``.

    Args:
        address: The address.
        any_port: Whether port 0 is allowed, which lets a server choose.

    Raises:
        ConfigurationError: It is malformed; the text says how.
    """
    if not isinstance(address, str):
        raise ConfigurationError(f"invalid address {address!r}: it must be a string like '127.0.0.1:8080'")
    host, colon, port = address.rpartition(":")
    if not colon:
        raise ConfigurationError(f"invalid address {address!r}: the port is missing, as in '127.0.0.1:8080'")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        valid = bool(_IPV6.fullmatch(host)) and ":" in host
    else:
        valid = bool(_HOST.fullmatch(host))
    if not valid:
        raise ConfigurationError(
            f"invalid address {address!r}: the host must be a name, an IPv4 address, or an IPv6 address in brackets"
        )
    if not _PORT.fullmatch(port) or not (0 if any_port else 1) <= int(port) <= 65535:
        raise ConfigurationError(f"invalid address {address!r}: the port must be a number from 1 to 65535")
    return host, int(port)


def unix_path(address: str) -> str | None:
    """The path of ``unix:path``, or the abstract name of ``unix:@name`` after a NUL; None of another address.

    Raises:
        ConfigurationError: There is none.
    """
    if not isinstance(address, str) or not address.startswith("unix:"):
        return None
    path = address.removeprefix("unix:").removeprefix("//")
    if path in ("", "@") or "\0" in path:
        raise ConfigurationError(f"invalid address {address!r}: it needs the path of a socket, as in 'unix:/run/node'")
    return f"\0{path[1:]}" if path.startswith("@") else path
