"""Connecting: names are looked up, and each of the addresses that one stands for is tried."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Callable, Coroutine
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, TypeVar

from pygorums.base.errors import StreamDownError
from pygorums.transports.sockets.address import Place
from pygorums.transports.sockets.connection import LAST_WORDS, SocketConnection
from pygorums.transports.sockets.tls import speaks_http2, why_tls_failed

__all__ = ["connect", "patiently"]

NEXT_ADDRESS_AFTER = 0.25
"""Seconds until the next address of a name is tried, beside those before (RFC 8305)."""

LOOKS = 5

P = TypeVar("P", bound=SocketConnection)
T = TypeVar("T")


async def patiently(work: Coroutine[Any, Any, T], seconds: float) -> T:
    """Have something done within a time, in which this process may be held up itself.

    Raises:
        TimeoutError: It is not done; it has been cancelled.
    """
    task = asyncio.get_running_loop().create_task(work)
    try:
        # Several short waits: while nothing runs here, nobody hears an answer.
        for _ in range(LOOKS):
            done, _ = await asyncio.wait({task}, timeout=seconds / LOOKS)
            if done:
                return task.result()
        raise TimeoutError
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # who asked for it may not wait any more


async def connect(place: Place, make: Callable[[], P], tls: ssl.SSLContext | None, server_name: str | None) -> P:
    """A connection on a socket of its own.

    Args:
        place: Where to.
        make: Makes what the socket is given to; called for each attempt.
        tls: The context, with TLS.
        server_name: What the certificate has to be for, if that is not the host.

    Raises:
        StreamDownError: It cannot be had; the text says why.
    """
    loop = asyncio.get_running_loop()
    options: dict[str, Any] = {}
    if tls is not None:
        options = {"ssl": tls, "ssl_shutdown_timeout": LAST_WORDS, "server_hostname": server_name or place.host}
    if place.path:
        if tls is not None and not server_name:
            options["server_hostname"] = "localhost"
        opening = loop.create_unix_connection(make, place.path, **options)
        return _checked((await _attempt(opening, place.address, place.address))[1], place.address)

    def attempt(host: str, port: int) -> Coroutine[Any, Any, tuple[Any, P]]:
        return _attempt(loop.create_connection(make, host, port, **options), place.address, _shown(host, port))

    return _checked((await _first(attempt, await _look_up(place)))[1], place.address)


async def _look_up(place: Place) -> list[tuple[str, int]]:
    with suppress(ValueError):
        ip_address(place.host)
        return [(place.host, place.port)]  # a number: no thread is needed for that
    try:
        found = await asyncio.get_running_loop().getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise StreamDownError(f"{place.address}: cannot look it up: {error.strerror or error}") from None
    return _interleaved(found)


async def _attempt(opening: Coroutine[Any, Any, tuple[Any, P]], address: str, target: str) -> tuple[Any, P]:
    try:
        return await opening
    except (ssl.SSLError, ConnectionAbortedError) as error:
        raise StreamDownError(f"{address}: {why_tls_failed(error)}") from None
    except OSError as error:
        at = "" if target == address else f" to {target}"
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise StreamDownError(f"{address}: cannot connect{at}: {reason}") from None


def _checked(connection: P, address: str) -> P:
    socket_ = connection.socket
    assert socket_ is not None
    if not speaks_http2(socket_.get_extra_info("ssl_object")):
        socket_.abort()
        raise StreamDownError(f"{address}: TLS: the other side does not offer HTTP/2 (by ALPN)")
    return connection


async def _first(
    attempt: Callable[[str, int], Coroutine[Any, Any, tuple[Any, P]]], targets: list[tuple[str, int]]
) -> tuple[Any, P]:
    """The first attempt that succeeds; each begins a moment after the one before, or when that has failed.

    Raises:
        StreamDownError: None does. It is that of the last one.
    """
    if len(targets) == 1:
        return await attempt(*targets[0])
    loop = asyncio.get_running_loop()
    waiting = list(reversed(targets))
    running: set[asyncio.Task[tuple[Any, P]]] = set()
    error: BaseException | None = None
    try:
        while waiting or running:
            if waiting:
                running.add(loop.create_task(attempt(*waiting.pop())))
            done, running = await asyncio.wait(
                running, timeout=NEXT_ADDRESS_AFTER if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            won = [task for task in done if task.exception() is None]
            for task in won[1:]:
                task.result()[0].abort()
            if won:
                return won[0].result()
            for task in done:
                error = task.exception()
        assert error is not None
        raise error
    finally:
        for task in running:
            task.cancel()
            task.add_done_callback(_let_go)


def _let_go(task: asyncio.Task[tuple[Any, Any]]) -> None:
    """Close what an attempt has opened that was not needed any more."""
    if not task.cancelled() and task.exception() is None:
        task.result()[0].abort()


def _interleaved(found: list[Any]) -> list[tuple[str, int]]:
    """The addresses, each once, in the order given but with families alternating (RFC 8305, section 4)."""
    by_family: dict[int, list[tuple[str, int]]] = {}
    for family, _, _, _, target in found:
        listed = by_family.setdefault(family, [])
        host = target[0] if len(target) < 4 or not target[3] or "%" in target[0] else f"{target[0]}%{target[3]}"
        if (host, target[1]) not in listed:
            listed.append((host, target[1]))
    lists = list(by_family.values())
    return [each[n] for n in range(max(map(len, lists))) for each in lists if n < len(each)]


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
