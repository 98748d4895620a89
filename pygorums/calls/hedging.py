"""Asking few nodes first, and more of them when those fail or take long: what users say of it, and who does it.

Which nodes, `pygorums.quorum.asking` decides; here are the time, the nodes and what is sent to them. A node that is
asked late is sent the same bytes as the others. So its handlers may see the message after some that were sent later,
which is why it takes methods that are marked as idempotent.
"""

from __future__ import annotations

import asyncio
import math
import random
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Protocol, TypeAlias

from pygorums.base.errors import ConfigurationError
from pygorums.base.method import Method
from pygorums.nodes.node import Node
from pygorums.quorum.asking import Asking
from pygorums.quorum.quorums import ids_of
from pygorums.quorum.tally import Counting

__all__ = ["Chooser", "First", "Hedge", "Hedger", "Hedging", "Late", "hedging"]

Hedge: TypeAlias = float | str
"""After how many seconds more nodes are asked, or a percentile of their latencies, such as ``"p95"``."""


class Chooser(Protocol):
    """Chooses whom to ask first, as ``strategy.reads`` does."""

    def sample(self, chance: float, /) -> Collection[int]:
        """The IDs of nodes, for a number at random from 0 to less than 1."""


First: TypeAlias = Chooser | Iterable[Any]
"""Whom to ask first: what chooses nodes, or the nodes or their IDs themselves."""

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")


class Hedging:
    """What a call says of whom to ask first and when to ask more.

    Attributes:
        delay: Seconds; None if they follow from the latencies.
        part: Which part of the replies comes within the delay that follows from the latencies, from 0 to 1.
        first: Whom to ask first; None for the fastest.
    """

    __slots__ = ("delay", "first", "part")

    def __init__(self, delay: float | None, part: float, first: First | None) -> None:
        self.delay = delay
        self.part = part
        self.first = first

    def chosen(self) -> list[int]:
        """The IDs of the nodes to ask first; none for the fastest."""
        first: Any = self.first
        if first is None:
            return []
        return ids_of(first.sample(random.random()) if hasattr(first, "sample") else first)


def hedging(method: Method[Any, Any], hedge: Hedge | None, first: First | None) -> Hedging | None:
    """What the arguments of a call say; None if all nodes are asked at once.

    Raises:
        ConfigurationError: The method is not marked as idempotent.
        TypeError, ValueError: An argument is wrong.
    """
    if hedge is None:
        if first is None:
            return None
        raise ValueError("first= says whom to ask before the others: it takes hedge= to say when to ask those")
    if first is not None and not hasattr(first, "sample"):
        if isinstance(first, int):
            raise TypeError(f"first takes several nodes or their IDs, such as [{first}], not {first!r}")
        first = ids_of(first)
    if not method.idempotent:
        raise ConfigurationError(
            f"{method.name} cannot be hedged: a node that is asked late would handle the request after later ones. If "
            "that is no harm, say so in the .proto: option idempotency_level = NO_SIDE_EFFECTS (or IDEMPOTENT), and "
            "generate the code again"
        )
    if isinstance(hedge, str):
        match = _PERCENTILE.fullmatch(hedge)
        if match is None or not float(match[1]):
            raise ValueError(f'hedge must be seconds or a percentile such as "p95", not {hedge!r:.100}')
        return Hedging(None, float(match[1]) / 100, first)
    if isinstance(hedge, bool) or not isinstance(hedge, int | float):
        raise TypeError(f'hedge must be seconds or a percentile such as "p95", not {hedge!r:.100}')
    if not hedge > 0:
        raise ValueError(f"hedge must be more than 0 seconds, not {hedge!r}")
    return Hedging(float(hedge), 0.0, first)


class Late:
    """A call under way as the stream of a node sees it that was asked later than others."""

    __slots__ = ("_call", "sent_at", "timeout")

    def __init__(self, call: Any, now: float) -> None:
        self._call = call
        self.timeout = None if call.timeout is None else call.timeout - (now - call.sent_at)
        self.sent_at = now

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)  # all else is common to the nodes


class Hedger:
    """Asks nodes for one call, until it is over.

    Args:
        hedging: Whom first, and when more.
        tally: Who has succeeded and who has failed.
        nodes: Those who may be asked, by ID.
        ask: Sends to a node, now; with whether it is asked later than the first ones.
        loop: The event loop.
    """

    __slots__ = ("_ask", "_asking", "_delay", "_hedging", "_loop", "_nodes", "_over", "_tally", "_timer")

    def __init__(
        self,
        hedging: Hedging,
        tally: Counting,
        nodes: Mapping[int, Node],
        ask: Callable[[Node, bool], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._hedging = hedging
        self._tally = tally
        self._nodes = nodes
        self._ask = ask
        self._loop = loop
        self._asking = Asking(tally)
        self._delay = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._over = False

    def start(self) -> None:
        """Ask the first ones."""
        order = self._order()
        first = self._asking.first(order, self._hedging.chosen())
        delay = self._hedging.delay
        if delay is None:
            delays = [self._nodes[node_id].quantile(self._hedging.part) for node_id in first]
            known = [seconds for seconds in delays if seconds is not None]
            if len(known) < len(delays):  # not measured yet, for which they must be asked
                first += self._asking.everyone(order)
            delay = max(known, default=math.inf)
        self._delay = delay
        self._send(first, late=False)
        self._wait()

    def replace(self) -> None:
        """A node has failed: ask others instead, now."""
        if not self._over:
            self._send(self._asking.failed(self._order()), late=True)

    def ask_more(self) -> bool:
        """As if the time had passed: ask others than those that are silent. Whether any were left."""
        if self._over:
            return False
        further = self._asking.waited(self._order())
        self._send(further, late=True)
        return bool(further)

    def ask_everyone(self) -> bool:
        """Ask all who were not asked. Whether there were any."""
        further = [] if self._over else self._asking.everyone(self._order())
        self._send(further, late=True)
        return bool(further)

    def stop(self) -> None:
        """The call is over: nobody is asked any more."""
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _order(self) -> list[int]:
        # Who was never measured is tried: so all get measured.
        nodes = self._nodes
        return sorted(nodes, key=lambda node_id: (not nodes[node_id].connected, nodes[node_id].latency or 0.0))

    def _send(self, node_ids: Iterable[int], *, late: bool) -> None:
        for node_id in node_ids:
            if self._over:  # one that failed at once has decided the call
                return
            self._ask(self._nodes[node_id], late)

    def _wait(self) -> None:
        left = self._tally.rule.mask(self._nodes) & ~self._asking.asked
        if left and not self._over and self._delay < math.inf:
            self._timer = self._loop.call_later(self._delay, self._passed)

    def _passed(self) -> None:
        self._timer = None
        self.ask_more()
        self._wait()
