"""An acceptor: remembers what it has promised and accepted."""

import os
from pathlib import Path
from typing import Protocol

import pygorums as gorums
from examples.paxos.paxos_gorums import AcceptorServer
from examples.paxos.paxos_pb2 import Ballot, Promise, Proposal

__all__ = ["Acceptor", "Memory", "PromiseFile", "order"]


class Memory(Protocol):
    """Where an acceptor keeps its promise."""

    def load(self) -> Promise:
        """What was saved last; an empty one if nothing was."""

    def save(self, promise: Promise) -> None:
        """Save it in place of the one before. When this returns a loss of power does not take it away."""


class PromiseFile:
    """A file, whose folder is made if it is not there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def load(self) -> Promise:
        """What was saved last."""
        return Promise.FromString(self._path.read_bytes()) if self._path.exists() else Promise()

    def save(self, promise: Promise) -> None:
        """Write another file, and put it in the place of the first one: there is always a whole one."""
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(promise.SerializeToString())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def order(ballot: Ballot) -> tuple[int, str]:
    """What is greater for the newer one of two ballots."""
    return ballot.number, ballot.proposer


class Acceptor(AcceptorServer):
    """Takes part in the newest ballot that it has heard of, and in no older one."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._promise = memory.load()

    async def prepare(self, ctx: gorums.ServerContext, request: Ballot) -> Promise:
        """Promise, unless something newer was; the reply says what was promised, and what was accepted before."""
        if order(request) > order(self._promise.promised):
            self._keep(Promise(promised=request, accepted=self._accepted()))
        return self._promise

    async def accept(self, ctx: gorums.ServerContext, request: Proposal) -> Promise:
        """Accept, unless something newer was promised; the reply says what was accepted."""
        if order(request.ballot) >= order(self._promise.promised):
            self._keep(Promise(promised=request.ballot, accepted=request))
        return self._promise

    def _accepted(self) -> Proposal | None:
        return self._promise.accepted if self._promise.HasField("accepted") else None

    def _keep(self, promise: Promise) -> None:
        self._memory.save(promise)
        self._promise = promise
