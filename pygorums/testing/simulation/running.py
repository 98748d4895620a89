"""One run of a scenario: from a seed to what became of it."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import inspect
import itertools
import random
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pygorums.testing import history as histories
from pygorums.testing.simulation.ambient import ambient
from pygorums.testing.simulation.faults import Fault
from pygorums.testing.simulation.handles import Handle
from pygorums.testing.simulation.hosts import Host
from pygorums.testing.simulation.loop import START, SimulatedLoop
from pygorums.testing.simulation.wires import WireName
from pygorums.testing.simulation.world import World
from pygorums.transports.carrier import CARRIER

__all__ = ["Event", "Run", "Runner", "Scenario", "Settings"]

Scenario = Callable[[World], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Settings:
    """What is the same in all runs of a scenario.

    Attributes:
        latency: The range in seconds of the time that messages are on their way; None draws a range for each seed.
        shuffle: Whether chance decides which host is next where several have something to do at the same moment.
        audit: Whether threads, sockets, processes and real sleeps are refused.
        longest: Simulated seconds after which a run has failed.
        wire: What streams are.
    """

    latency: tuple[float, float] | None = None
    shuffle: bool = False
    audit: bool = True
    longest: float = 3600.0
    wire: WireName = "messages"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: between two hosts, or at all.

    Attributes:
        moment: Its place in the order of all that happened, operations of histories included.
        time: Seconds since the run began.
        kind: "send", "receive", "note" or "step".
        source: The host where it happened, or that something was sent from.
        target: The host that something was sent to.
        stream: The stream and its direction.
        what: What was sent; what was done.
    """

    moment: int
    time: float
    kind: str
    source: str
    target: str = ""
    stream: int = 0
    what: Any = None


@dataclass(slots=True)
class Run:
    """What became of a run.

    Attributes:
        seed: Its seed.
        error: What it failed with, or None.
        faults: The faults that were drawn and happened.
        steps: How many steps it took.
        seconds: How many simulated seconds it took.
        events: What happened, if it was traced.
        histories: The histories that the scenario made.
        started: What their clock said when it began.
    """

    seed: int
    error: BaseException | None = None
    faults: list[Fault] = field(default_factory=list)
    steps: int = 0
    seconds: float = 0.0
    events: list[Event] = field(default_factory=list)
    histories: list[histories.History] = field(default_factory=list)
    started: float = START

    @property
    def digest(self) -> str:
        """What is equal for two runs in which the same happened, also in different processes."""
        text = hashlib.sha256()
        for event in self.events:
            text.update(described(event).encode())
        return text.hexdigest()


def described(event: Event) -> str:
    """An event in one line, which is the same in all processes."""
    what = event.what if isinstance(event.what, str | bytes | None) else f"{type(event.what).__name__} {event.what}"
    return f"{event.time:.9f} {event.kind} {event.source} {event.target} {event.stream} {what!r}\n"


class Runner:
    """Runs a scenario with one seed after another. To be used in a ``with``."""

    def __init__(self, scenario: Scenario, settings: Settings) -> None:
        if not inspect.iscoroutinefunction(scenario):
            raise TypeError(f"a scenario is an async function of a World, not {scenario!r:.100}")
        self.scenario = scenario
        self.settings = settings
        self._entropy = random.Random(0)

    @contextmanager
    def ready(self) -> Iterator[Runner]:
        """Have all that is needed for runs in place."""
        collecting = gc.isenabled()
        hooks = sys.get_asyncgen_hooks()
        token = CARRIER.set(None)
        gc.disable()
        sys.set_asyncgen_hooks(finalizer=_finish_generator)
        try:
            with ambient(lambda: self._entropy, lambda: self.settings.audit):
                yield self
        finally:
            histories.join = None
            sys.set_asyncgen_hooks(*hooks)
            CARRIER.reset(token)
            if collecting:
                gc.enable()

    def run(
        self,
        seed: int,
        *,
        trace: bool = False,
        steps: bool = False,
        instead: Mapping[int, Fault | None] | None = None,
        variant: int = 0,
    ) -> Run:
        """Run the scenario once.

        Args:
            seed: What all chance comes from.
            trace: Whether to note all messages.
            steps: Whether to note all steps, too.
            instead: What to do for the faults that are drawn, by number; those that are not there do not happen.
            variant: Another number is another network, and all else is as it was.
        """
        # What the run before has left. Within a run garbage is not collected: that would come at a moment that has
        # nothing to do with the seed.
        gc.collect(0)
        settings = self.settings
        run = Run(seed)
        moments = itertools.count()
        loop = SimulatedLoop(  # type: ignore[abstract]  # what is left out is what a simulation has not
            random.Random(f"{seed} order") if settings.shuffle else None
        )
        self._entropy = random.Random(f"{seed} entropy")
        random.seed(self._entropy.getrandbits(64))
        world = World(loop, seed, settings.latency, variant, settings.wire)
        world.instead = instead

        def join(history: histories.History) -> Iterator[int]:
            run.histories.append(history)
            return moments

        def event(kind: str, source: str, target: str, stream: int, what: Any) -> None:
            run.events.append(Event(next(moments), world.time, kind, source, target, stream, what))

        def step(handle: Handle) -> None:
            process = handle.process
            event("step", "" if process is None else process.host.name, "", 0, repr(handle))

        histories.join = join
        if trace or steps:
            world.network.trace = event
            world.notes = lambda text: event("note", world.here.name, "", 0, text)
        if steps:
            loop.before_each = step
        try:
            home: Host = world.hosts["scenario"]
            task = home.process.run(loop.create_task, self._played(world))
            world.abandoned.append(task)
            loop.run_until(task, START + settings.longest)
            task.result()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # what pytest's fail() raises is no Exception
            run.error = error
        finally:
            run.steps, run.seconds = loop.steps, world.time
            run.faults = world.faults_drawn
            world.network.trace = world.notes = loop.before_each = None
            _abandon(loop, world)
        return run

    async def _played(self, world: World) -> None:
        await self.scenario(world)
        while outstanding := list(world.outstanding()):
            await asyncio.wait(outstanding)


def _finish_generator(generator: Any) -> None:
    """An asynchronous generator that nobody holds any more cleans up, where it is."""
    loop = asyncio.events._get_running_loop()
    if type(loop) is SimulatedLoop and not loop.is_closed():
        loop.call_soon(_close_later, generator)


def _close_later(generator: Any) -> None:
    asyncio.get_running_loop().create_task(_close(generator))


async def _close(generator: Any) -> None:
    """A coroutine with a name, for what a task is called by that has none would differ from run to run."""
    await generator.aclose()


MOST_TRIES = 20


def _abandon(loop: SimulatedLoop, world: World) -> None:
    """End all that a run has left, now that nothing that it does counts."""
    loop.close()
    seen: set[asyncio.Task[Any]] = set()
    while tasks := [task for task in asyncio.all_tasks(loop) if task not in seen]:
        for task in tasks:
            seen.add(task)
            coroutine: Any = task.get_coro()
            for _ in range(MOST_TRIES):
                try:
                    coroutine.close()
                except BaseException:  # whatever it is, it is over
                    continue
                break
    world.abandoned.clear()
