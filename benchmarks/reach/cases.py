"""What a case that has to be reached consists of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from benchmarks.measuring.measurement import Measurement

__all__ = ["Case", "Figure", "RatioCase", "Runs"]


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


Runs = Mapping[str, Sequence[Measurement]]
"""The runs of each subject, by its name."""


@dataclass(frozen=True, slots=True, eq=False)
class RatioCase:
    """A case that is judged by runs of several subjects.

    Attributes:
        name: As users choose it.
        description: What it measures, in a line.
        target: What has to be reached.
        needs: The names of the subjects, as `subject_of` takes them.
        judge: From their runs to the figure.
    """

    name: str
    description: str
    target: str
    needs: tuple[str, ...]
    judge: Callable[[Runs], Figure]
