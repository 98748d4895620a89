"""A proposer: finds out what was decided, or has its own value decided."""

import asyncio
import random
import uuid

import pygorums as gorums
from examples.paxos.acceptor import order
from examples.paxos.paxos_gorums import accept, prepare
from examples.paxos.paxos_pb2 import Ballot, Promise, Proposal
from pygorums.quorums import QuorumSystem

__all__ = ["Proposer"]


class Proposer:
    """Any number of them may propose at the same time: all get the same value.

    Args:
        config: The acceptors.
        system: Whose promises are needed (`QuorumSystem.reads`, phase 1), and who has to accept (`QuorumSystem.writes`,
            phase 2). Only quorums of different phases have to meet: phase 2 may need few acceptors, if phase 1, which
            is run when a proposer is new, needs many.
        timeout: Seconds that a phase may take.
        pause: Seconds to wait, at most, when another proposer was faster; twice as many each time.
    """

    def __init__(
        self, config: gorums.Configuration, system: QuorumSystem, *, timeout: float = 1.0, pause: float = 0.02
    ) -> None:
        self._config, self._system, self._timeout, self._pause = config, system, timeout, pause
        self._name = uuid.uuid4().hex
        self._newest = 0

    async def propose(self, value: str) -> str:
        """The value that is decided: this one, unless another one was.

        It tries until it has an answer; cancel it to give up. Its value may be decided then at any time later.
        """
        pause = self._pause
        while True:
            decided = await self._try(value)
            if decided is not None:
                return decided
            await asyncio.sleep(random.uniform(0, pause))
            pause = min(2 * pause, 1.0)

    async def _try(self, value: str) -> str | None:
        """One ballot; None if it came to nothing."""
        ballot = Ballot(number=self._newest + 1, proposer=self._name)
        self._newest = ballot.number

        def takes_part(reply: Promise, _: gorums.Node) -> bool:
            self._newest = max(self._newest, reply.promised.number)
            return order(reply.promised) == order(ballot)

        try:
            promises = await prepare(self._config, ballot, timeout=self._timeout).collect_quorum(
                self._system.reads, takes_part
            )
            accepted = [promise.accepted for promise in promises.values() if promise.HasField("accepted")]
            if accepted:  # it may have been decided, so nothing else may be
                value = max(accepted, key=lambda proposal: order(proposal.ballot)).value
            proposal = Proposal(ballot=ballot, value=value)
            await accept(self._config, proposal, timeout=self._timeout).collect_quorum(self._system.writes, takes_part)
        except gorums.QuorumCallError:
            return None
        return value
