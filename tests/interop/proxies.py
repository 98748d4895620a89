"""Proxies that end HTTP/2 and begin it anew: nginx and HAProxy, where they are installed."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.waiting import until, within

__all__ = ["KINDS", "Proxy", "path_of", "running_proxy"]

_NGINX = """
user root;
daemon off;
pid {folder}/pid;
error_log {folder}/log;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen unix:{folder}/front http2;
        client_max_body_size 0;
        client_body_timeout 1h; grpc_read_timeout 1h; grpc_send_timeout 1h;
        location / {{ grpc_pass grpc://unix:{folder}/back; }}
    }}
}}
"""

_HAPROXY = """
defaults
    mode http
    retries 0
    timeout connect 5s
    timeout client 1h
    timeout server 1h
frontend front
    bind unix@{folder}/front proto h2
    default_backend back
backend back
    server one unix@{folder}/back proto h2
"""

KINDS = {"nginx": _NGINX, "haproxy": _HAPROXY}


def path_of(kind: str) -> str | None:
    """Where it is, if it is installed; those who are no administrators seldom have its folder on their path."""
    return shutil.which(kind) or shutil.which(kind, path="/usr/sbin:/usr/local/sbin")


class Proxy:
    """Listens on a unix socket, and passes on to another one.

    Attributes:
        front: The address that clients connect to.
        back: The address that the server has.
    """

    def __init__(self, kind: str, folder: Path) -> None:
        self.front = f"unix:{folder}/front"
        self.back = f"unix:{folder}/back"
        self._nginx = kind == "nginx"
        self._folder = folder
        config = folder / "config"
        config.write_text(KINDS[kind].format(folder=folder))
        program = path_of(kind) or kind
        self._command = (program, "-c", str(config)) if self._nginx else (program, "-db", "-f", str(config))
        self._processes: list[asyncio.subprocess.Process] = []

    async def start(self) -> None:
        front = self._folder / "front"
        before = front.stat().st_ino if front.exists() else None
        quiet = asyncio.subprocess.DEVNULL
        self._processes.append(await asyncio.create_subprocess_exec(*self._command, stdout=quiet, stderr=quiet))
        await until(lambda: front.exists() and front.stat().st_ino != before, "the proxy listens")

    async def replace(self) -> None:
        """Let it say farewell to its clients, and serve new connections by a new process."""
        if self._nginx:
            self._processes[0].send_signal(signal.SIGHUP)
        else:
            old = self._processes[-1]
            await self.start()
            old.send_signal(signal.SIGUSR1)

    async def stop(self) -> None:
        for process in self._processes:
            if process.returncode is None:
                process.terminate()
            await within(process.wait())


@asynccontextmanager
async def running_proxy(kind: str, folder: Path) -> AsyncIterator[Proxy]:
    proxy = Proxy(kind, folder)
    try:
        await proxy.start()
        yield proxy
    finally:
        await proxy.stop()
