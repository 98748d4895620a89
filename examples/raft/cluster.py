"""Members in processes of their own, which can be killed and started again."""

import socket
import subprocess
import sys
from pathlib import Path
from typing import Self

__all__ = ["Cluster"]

STOP_LIMIT = 10.0
"""Seconds that a member gets to hand on its leadership and end."""


class Cluster:
    """Starts members with the IDs 1, 2, …, and others later. In a ``with``, whose end stops all.

    Args:
        folder: Each member has a folder in it.
        n: How many are in the cluster from the beginning.
    """

    def __init__(self, folder: Path, n: int = 3) -> None:
        self._folder = folder
        self.addresses = {node_id: f"127.0.0.1:{_free_port()}" for node_id in range(1, n + 1)}
        self._first = dict(self.addresses)
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, node_id: int) -> str:
        """Start a member, or start it again; its address. One that is not in the cluster has to be added to it.

        Raises:
            ValueError: It runs.
        """
        if self.running(node_id):
            raise ValueError(f"member {node_id} runs")
        address = self.addresses.setdefault(node_id, f"127.0.0.1:{_free_port()}")
        first = ",".join(f"{each}={where}" for each, where in self._first.items())
        command = [sys.executable, "-m", "examples.raft", "--serve", f"{node_id}={address}"]
        command += ["--data", str(self._folder / str(node_id)), "--members", first if node_id in self._first else ""]
        # In a process group of its own: Ctrl-C at the prompt is not for it.
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, process_group=0)
        self._processes[node_id] = process
        assert process.stdout is not None
        if not process.stdout.readline():
            raise ValueError(f"member {node_id} has ended with status {process.wait()}")
        return address

    def running(self, node_id: int) -> bool:
        """Whether there is a process of this member."""
        process = self._processes.get(node_id)
        return process is not None and process.poll() is None

    def kill(self, node_id: int) -> None:
        """End a member as a crash would.

        Raises:
            ValueError: It does not run.
        """
        if not self.running(node_id):
            raise ValueError(f"member {node_id} does not run")
        self._processes[node_id].kill()
        self._ended(node_id)

    def stop(self, node_id: int) -> None:
        """End a member in good order."""
        process = self._processes[node_id]
        process.terminate()
        try:
            process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
        self._ended(node_id)

    def _ended(self, node_id: int) -> None:
        process = self._processes.pop(node_id)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()

    def __enter__(self) -> Self:
        try:
            for node_id in self._first:
                self.start(node_id)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        for process in self._processes.values():
            process.terminate()
        for node_id in list(self._processes):
            self.stop(node_id)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
