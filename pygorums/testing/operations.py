"""What a process asked for, and what became of it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Operation", "Outcome"]


class Outcome(enum.Enum):
    """What became of an operation."""

    OK = "ok"
    """It was executed, and its result is known."""
    FAILED = "failed"
    """It was certainly not executed, and never will be."""
    UNKNOWN = "unknown"
    """It may have been executed, may be yet, or may never be: nobody has heard."""

    def __repr__(self) -> str:
        return self.name


@dataclass(slots=True, eq=False)
class Operation:
    """One operation of a history. Those that `History` gives are to be read, not changed.

    Attributes:
        process: Who asked. A process does one thing after the other; what it does after an operation whose outcome is
            unknown may come before that one.
        name: What was asked for: "read".
        argument: With what; None if there is nothing to say.
        result: What came back, if the outcome is `Outcome.OK`.
        outcome: What became of it; `Outcome.UNKNOWN` also for what has not returned yet.
        invoked: Its place among all invocations and returns of the history, from 0.
        returned: The place of its return; None as long as its outcome is unknown.
        began: The history's clock when it was invoked, in seconds.
        ended: The same for the moment when its outcome became known, or was given up.
        error: What it raised, if that is why it failed or is unknown.
    """

    process: Any
    name: str
    argument: Any = None
    result: Any = None
    outcome: Outcome = Outcome.UNKNOWN
    invoked: int = 0
    returned: int | None = None
    began: float = 0.0
    ended: float | None = None
    error: BaseException | None = field(default=None, repr=False)

    @property
    def known(self) -> bool:
        """Whether its result is known."""
        return self.outcome is Outcome.OK

    def gave(self, value: object) -> bool:
        """Whether it may have returned `value`: it did, or nobody knows what it returned. For steps of models."""
        return self.outcome is not Outcome.OK or bool(self.result == value)

    def __str__(self) -> str:
        text = self.name if self.argument is None else f"{self.name} {_short(self.argument)}"
        if self.outcome is Outcome.OK:
            return text if self.result is None and self.argument is not None else f"{text} → {_short(self.result)}"
        return f"{text} {'failed' if self.outcome is Outcome.FAILED else '→ ?'}"


def _short(value: object) -> str:
    text = " ".join(f"{value!r}".split())
    return text if len(text) <= 40 else f"{text[:24]}…{text[-15:]}"
