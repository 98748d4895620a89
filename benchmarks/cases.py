"""What a case that has to be reached consists of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = ["Case", "Figure"]


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
