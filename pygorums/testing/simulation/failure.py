"""What is said of a run that fails."""

from __future__ import annotations

import shlex
import traceback
from collections.abc import Sequence
from pathlib import Path

from pygorums.testing.simulation.faults import Fault
from pygorums.testing.simulation.running import Event, Run, Scenario, Settings, described
from pygorums.testing.simulation.story import picture, story

__all__ = ["DivergenceError", "SimulationFailure", "replay_command", "target_of"]


class DivergenceError(AssertionError):
    """Two runs with one seed were not the same: something in them does not follow from the seed."""


class SimulationFailure(AssertionError):  # noqa: N818 - it is a finding of a test, and called so everywhere
    """A scenario failed for a seed. Its cause is what it failed with.

    Attributes:
        seed: The seed.
        run: The run with as few faults as it takes.
        faults: Those faults.
        drawn: How many faults were drawn.
        command: What replays it.
    """

    def __init__(self, run: Run, drawn: Sequence[Fault], command: str) -> None:
        self.seed = run.seed
        self.run = run
        self.faults = list(run.faults)
        self.drawn = len(drawn)
        self.command = command
        super().__init__(self._text())

    @property
    def timeline(self) -> str:
        """All that happened, in order."""
        return story(self.run, None)

    def html(self, path: str | Path) -> None:
        """Write a picture of what happened to `path`, as one HTML file."""
        Path(path).write_text(picture(self.run, self._text()), encoding="utf-8")

    def _text(self) -> str:
        error = self.run.error
        assert error is not None
        said = "".join(traceback.format_exception_only(error)).strip()
        lines = [f"seed {self.seed}: {said}", "", f"replay it: {self.command}"]
        if self.drawn:
            lines.append(f"faults: {len(self.faults)} of {self.drawn} are enough")
            lines.extend(f"  {fault}" for fault in self.faults)
        lines.extend(["", story(self.run)])
        return "\n".join(lines)


def target_of(scenario: Scenario) -> str | None:
    """How a command names a scenario: ``module:function``; None if it is not at the top of a module."""
    name = getattr(scenario, "__qualname__", "<locals>")
    module = getattr(scenario, "__module__", "__main__")
    if "<locals>" in name:
        return None
    if module == "__main__":
        module = scenario.__code__.co_filename if hasattr(scenario, "__code__") else module
    return f"{module}:{name}"


def replay_command(scenario: Scenario, seed: int, settings: Settings) -> str:
    """The command that runs a scenario with one seed."""
    target = target_of(scenario)
    if target is None:
        return f"pytest --gorums-seed {seed}"
    words = ["python", "-m", "pygorums.testing", "replay", target, str(seed)]
    if settings.latency is not None:
        words += ["--latency", ",".join(f"{each:g}" for each in settings.latency)]
    if settings.shuffle:
        words.append("--shuffle")
    if not settings.audit:
        words.append("--no-audit")
    if settings.longest != Settings().longest:
        words += ["--longest", f"{settings.longest:g}"]
    if settings.wire != Settings().wire:
        words += ["--wire", settings.wire]
    return shlex.join(words)


def compared(first: Sequence[Event], second: Sequence[Event]) -> DivergenceError | None:
    """The first event in which two runs with one seed differ."""
    for index in range(max(len(first), len(second))):
        one = described(first[index]).strip() if index < len(first) else "the end"
        other = described(second[index]).strip() if index < len(second) else "the end"
        if one != other:
            return DivergenceError(
                f"two runs with one seed differ at step {index}: something does not follow from the seed\n"
                f"  one:   {one}\n  other: {other}"
            )
    return None
