"""Calls that are to be used once: what is said of those that never are, as of coroutines that are never awaited."""

from __future__ import annotations

import sys
import traceback
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from google.protobuf.message import Message

from pygorums.base.method import Method
from pygorums.base.pickling import Local
from pygorums.calls.hedging import First, Hedge, Hedging, hedging
from pygorums.calls.needs import Need, at_least_one, need_of, quorum_rule
from pygorums.calls.progress import Progress
from pygorums.nodes.call_options import CallOptions
from pygorums.quorum.quorums import Quorums
from pygorums.quorum.rule import Rule

__all__ = ["UsedOnce", "made_here", "warn_unused"]

Resp = TypeVar("Resp", bound=Message)

_DEPTH = 10


def made_here() -> str:
    """Where a call was made, outside of this package: the innermost frames as text."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("pygorums."):
        frame = frame.f_back
    return "".join(traceback.format_list(traceback.extract_stack(frame, _DEPTH)))


def warn_unused(method_name: str, made: str | None, source: object) -> None:
    """Say that a call was forgotten before it was sent.

    Args:
        method_name: The method's full name.
        made: What `made_here` said, in debug mode.
        source: The forgotten object, for tracemalloc.
    """
    if sys.is_finalizing():
        return
    text = f"a call of {method_name} was never used, so nothing was sent: await majority(), say, or iterate over it"
    if made is not None:
        text += f"\nMade at (most recent call last)\n{made.rstrip()}"
    warnings.warn(text, RuntimeWarning, stacklevel=3, source=source)


class UsedOnce(Local, Generic[Resp]):
    """What the responses of both worlds have in common: a quorum call that is not sent yet.

    Attributes:
        _made: Where the call was made, in debug mode.
        _used: Whether it was used; None if somebody tried to and made a mistake.
    """

    __slots__ = ("_config", "_intercepted", "_made", "_method", "_options", "_request", "_used", "size")
    _method: Method[Any, Resp]
    _config: Any
    _request: Any
    _options: CallOptions
    _intercepted: Any
    _made: str | None
    _used: bool | None
    size: int
    _how = "is not awaited itself: say how many replies it needs, as in `await ….majority()`, or iterate over it"

    @property
    def method_name(self) -> str:
        """The method's full name."""
        return self._method.name

    @property
    def node_errors(self) -> Mapping[int, Exception]:
        """The errors of the nodes that have failed, or whose replies were rejected, among what was read so far.

        By node ID; once the time was up also those of silent nodes.
        """
        return self._read.node_errors

    @property
    def replies(self) -> int:
        """How many nodes have given a reply that was read and not rejected."""
        return self._read.replies

    @property
    def timed_out(self) -> bool:
        """Whether the time was up before all nodes had answered."""
        return self._read.timed_out

    @property
    def _read(self) -> Progress:
        raise NotImplementedError

    def _unsent(self) -> bool:
        return self._intercepted is None or bool(self._intercepted.source.unsent)

    def _use(self) -> None:
        if self._used:
            raise RuntimeError(f"these responses of {self.method_name} were used already: make the call again")
        self._used = True

    def _hedging(self, hedge: Hedge | None, first: First | None) -> Hedging | None:
        if hedge is None and first is None:
            return None
        try:
            return hedging(self._method, hedge, first)
        except (TypeError, ValueError):
            self._used = self._used or None
            raise

    def _hedged(self, need: Need, hedging: Hedging) -> Any:
        """The call as it is where responses are read one by one, asking few nodes first."""
        if self._used:
            self._use()  # which says so
        intercepted = self._intercepted or self._intercept()
        intercepted.hedge(need, hedging)
        return intercepted

    def _intercept(self) -> Any:
        raise NotImplementedError

    def _of_nodes(self, need: int | Rule) -> Need:
        """What a number of replies needs of the nodes, of which each may give several."""
        return min(need, self.size) if isinstance(need, int) else need

    def _level(self, n: int | Quorums) -> int | Rule:
        try:
            return need_of(self._config, n)
        except (TypeError, ValueError):
            self._used = self._used or None
            raise

    def _at_least_one(self, n: int) -> int:
        try:
            return at_least_one(n)
        except (TypeError, ValueError):
            self._used = self._used or None
            raise

    def _met_by(self, quorums: Quorums) -> Rule:
        try:
            return quorum_rule(self._config, quorums)
        except (TypeError, ValueError):
            self._used = self._used or None
            raise

    if not TYPE_CHECKING:  # which refuses it already

        def __await__(self) -> NoReturn:
            self._used = self._used or None
            raise TypeError(f"a call of {self.method_name} {self._how}")

    def __del__(self) -> None:
        # It costs each call 70 ns. What was not made entirely warns of nothing.
        if getattr(self, "_used", None) is False and self._unsent():
            warn_unused(self.method_name, self._made, self)
