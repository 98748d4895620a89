"""Whether an address can be listened on, which gRPC does not say well.

It is content with one of several addresses that a name or a wildcard stands for. If another program holds the port on
one of the others, half of the clients would reach that. And it writes to the standard error why it failed, but does not
tell its caller.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from typing import Any

from pygorums.transports.address import split_address

__all__ = ["bound_sockets", "free_port", "free_unix", "unix_socket"]

_Target = tuple[socket.AddressFamily, tuple[Any, ...]]

ATTEMPTS = 20
"""How often a port is looked for that is free on several addresses."""

_BOTH = {
    "0.0.0.0": ("0.0.0.0", "::"),
    "::": ("::", "0.0.0.0"),
    "localhost": ("localhost", "127.0.0.1", "::1"),  # whatever the machine says that it is
}
"""What gRPC takes as addresses of both kinds."""

_ABSENT = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
"""What binding fails with where a name has an address of a kind that this machine has not."""


def free_port(address: str, *, shared: bool) -> int:
    """The port to listen on: that of an address ``host:port``, or a free one if that is 0.

    Args:
        address: The address.
        shared: Whether servers share a port, as with ``grpc.so_reuseport``.

    Raises:
        OSError: As `bound_sockets`.
    """
    bound = bound_sockets(address, shared=shared)
    try:
        port: int = bound[0].getsockname()[1]
        return port
    finally:
        for each in bound:
            each.close()


def bound_sockets(address: str, *, shared: bool) -> list[socket.socket]:
    """Sockets at one port on all addresses that the host of ``host:port`` stands for and this machine has.

    Args:
        address: The address; port 0 is any that is free.
        shared: Whether servers share a port, as with ``grpc.so_reuseport``.

    Raises:
        OSError: It cannot be listened on at all, or another program holds the port on one of the addresses that the
            host stands for, which the text names.
    """
    host, port = split_address(address, any_port=True)
    try:
        targets = _targets(host)
    except OSError as error:
        raise _refusal(address, error) from None
    for _ in range(ATTEMPTS):
        try:
            return _bind_all(address, targets, port, shared=shared)
        except OSError as error:
            if port or error.errno != errno.EADDRINUSE:
                raise
    raise OSError(errno.EADDRINUSE, f"cannot listen on {address}: no port is free on all its addresses")


def _targets(host: str) -> list[_Target]:
    hosts = _BOTH.get(host.lower(), (host,))
    found = [info for each in hosts for info in socket.getaddrinfo(each, 0, type=socket.SOCK_STREAM)]
    return list(dict.fromkeys((family, target) for family, _, _, _, target in found))


def _bind_all(address: str, targets: list[_Target], port: int, *, shared: bool) -> list[socket.socket]:
    """Sockets at a port, or any one if it is 0, on all addresses that this machine has."""
    bound: list[socket.socket] = []
    absent: OSError | None = None
    try:
        for family, (host, _, *rest) in targets:
            try:
                made = socket.socket(family, socket.SOCK_STREAM)
                try:
                    _prepare(made, family, shared=shared)
                    made.bind((host, port, *rest))
                except OSError:
                    made.close()
                    raise
            except OSError as error:
                if error.errno not in _ABSENT:
                    raise _refusal(address, error, _shown(host, port)) from None
                absent = error
            else:
                bound.append(made)
                port = made.getsockname()[1]
        if absent is not None and not bound:
            raise _refusal(address, absent)
    except BaseException:
        for each in bound:
            each.close()
        raise
    return bound


def _prepare(made: socket.socket, family: socket.AddressFamily, *, shared: bool) -> None:
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if os.name == "posix":
        # As gRPC does: connections of an earlier server may linger.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared and hasattr(socket, "SO_REUSEPORT"):
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _refusal(address: str, error: OSError, target: str = "") -> OSError:
    where = f" at {target}" if target and target != address else ""
    reason = error.strerror or str(error)
    return OSError(error.errno or errno.EADDRNOTAVAIL, f"cannot listen on {address}: {reason}{where}")


def unix_socket(address: str, path: str) -> socket.socket:
    """A socket at a path. What an earlier server has left there, where nobody listens any more, makes way.

    Args:
        address: What to call it.
        path: The path, or an abstract name after a NUL.

    Raises:
        OSError: It cannot be had; the text says why.
    """
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if not path.startswith("\0") and _is_socket(path):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                try:
                    probe.connect(path)
                except ConnectionRefusedError:
                    os.unlink(path)
        made.bind(path)
    except OSError as error:
        made.close()
        reason = error.strerror or str(error)
        raise OSError(error.errno, f"cannot listen on {address}: {reason}") from None
    return made


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False


def free_unix(address: str, path: str) -> None:
    """Look whether a path can be had for a socket, as `unix_socket`, and leave it free."""
    unix_socket(address, path).close()
    if not path.startswith("\0"):
        os.unlink(path)
