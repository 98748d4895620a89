"""What a case that has to be reached consists of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from benchmarks.measuring.measurement import Measurement
from benchmarks.measuring.options import Options
from benchmarks.reach.needs import Need

__all__ = ["Case", "Figure", "OwnCase", "RatioCase", "Runs"]


@dataclass(frozen=True, slots=True)
class Figure:
    """What a case has given.

    Attributes:
        text: The figure, as it is printed.
        reached: Whether it is as good as it has to be.
        details: Further figures, for JSON.
    """

    text: str
    reached: bool
    details: Mapping[str, Any] = field(default_factory=dict)


class Case(Protocol):
    """Something that has to be reached."""

    @property
    def name(self) -> str:
        """As users choose it."""

    @property
    def description(self) -> str:
        """What it measures, in a line."""

    @property
    def target(self) -> str:
        """What has to be reached."""


class OwnCase(Case, Protocol):
    """A case that is measured by itself."""

    async def measure(self, options: Options) -> Figure:
        """Measure it."""


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs of what was measured.

    Attributes:
        measured: By what it was, with its transports.
        transport: That of what says nothing of it.
    """

    measured: Mapping[Need, Sequence[Measurement]]
    transport: str

    def __getitem__(self, need: Need) -> Sequence[Measurement]:
        return self.measured[need.on(self.transport)]


@dataclass(frozen=True, slots=True, eq=False)
class RatioCase:
    """A case that is judged by runs that take turns.

    Attributes:
        name: As users choose it.
        description: What it measures, in a line.
        target: What has to be reached.
        needs: What has to be measured.
        judge: From the runs to the figure.
        on_uvloop: Whether it is one of the runs on uvloop, and of no others.
    """

    name: str
    description: str
    target: str
    needs: tuple[Need, ...]
    judge: Callable[[Runs], Figure]
    on_uvloop: bool = False
