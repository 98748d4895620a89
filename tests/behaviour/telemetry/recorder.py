"""An observer that remembers."""

from collections.abc import Sequence
from typing import Any

from pygorums.base.observing import Pairs
from pygorums.base.outcome import status_name

__all__ = ["Observed", "Recorder"]


class Observed:
    """One call or request.

    Attributes:
        nodes: the IDs of the nodes that are called.
        answers: which node has replied or failed, with which status.
        ends: what it ended with, each time it was told so: that must be once.
    """

    def __init__(self, name: str, nodes: Sequence[Any], metadata: Pairs, each_node: bool) -> None:
        self.name = name
        self.nodes = [node.id for node in nodes]
        self.metadata = metadata
        self.each_node = each_node
        self.answers: list[tuple[int, str]] = []
        self.ends: list[str] = []
        self.error: BaseException | None = None
        self.seconds = -1.0

    def replied(self, node_id: int) -> None:
        self.answers.append((node_id, "OK"))

    def failed(self, node_id: int, error: Exception) -> None:
        self.answers.append((node_id, status_name(error)))

    def ended(self, seconds: float, error: BaseException | None) -> None:
        self.ends.append(status_name(error))
        self.error = error
        self.seconds = seconds


class Recorder:
    """Remembers all calls and requests that it is told of."""

    def __init__(self, metadata: Pairs = (), *, each_node: bool = True) -> None:
        self._metadata = metadata
        self._each_node = each_node
        self.calls: list[Observed] = []
        self.requests: list[Observed] = []

    def call(self, method: Any, nodes: Sequence[Any]) -> Observed:
        self.calls.append(Observed(method.name, nodes, self._metadata, self._each_node))
        return self.calls[-1]

    def request(self, ctx: Any) -> Observed:
        self.requests.append(Observed(ctx.method, (), (), False))
        return self.requests[-1]

    @property
    def ends(self) -> list[list[str]]:
        """What each call has ended with."""
        return [call.ends for call in self.calls]
