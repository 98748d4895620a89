"""What happened in a run, for people: as lines of text, and as a picture."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from google.protobuf.message import DecodeError

from pygorums.base.errors import StatusError
from pygorums.testing.operations import Operation
from pygorums.testing.picture import Chart, add_operations
from pygorums.testing.simulation.links import ACCEPTED
from pygorums.testing.simulation.running import Event, Run
from pygorums.testing.verdict import NotLinearizableError
from pygorums.wire.framing import SERVER_INITIATED, split

__all__ = ["picture", "story"]

_DRAWN = 600  # events of a picture

LINES = 60
"""Lines of a story that an error shows."""


def _message(event: Event) -> str:
    """What was sent, in a few words; nothing for what is not worth telling."""
    what = event.what
    back = bool(event.stream % 2)  # from the acceptor to the opener
    if isinstance(what, StatusError):
        return what.message or what.code.name
    if what == "open":
        return "opens a stream"
    if what is None:
        return "has sent all"
    if what == ACCEPTED:
        return ""
    if isinstance(what, bytes):
        return f"{len(what)} bytes"
    if not isinstance(what, list):
        return "accepts"
    try:
        messages = [message for data in what for message in split(data, batching=True)]
    except DecodeError:
        return f"{sum(map(len, what))} bytes"
    names = dict.fromkeys(
        message.method.rpartition(".")[2] + (" (reply)" if (message.message_seq_no < SERVER_INITIATED) is back else "")
        for message in messages
        if message.method
    )
    return ", ".join(names)


def _told(run: Run) -> tuple[list[Event], dict[int, Event]]:
    """The events that are told of, and, by the moment of a sending, the arrival of what was sent."""
    way: dict[int, list[Event]] = {}
    arrivals: dict[int, Event] = {}
    told = []
    for event in run.events:
        if event.kind == "send":
            way.setdefault(event.stream, []).append(event)
            if _message(event):
                told.append(event)
        elif event.kind == "receive":
            sent = way.get(event.stream, [])
            # What was lost was sent before.
            while sent and sent[0].what is not event.what:
                sent.pop(0)
            if sent:
                arrivals[sent.pop(0).moment] = event
        elif event.kind == "note":
            told.append(event)
    return told, arrivals


def _operations(run: Run) -> list[Operation]:
    return sorted((one for history in run.histories for one in history.operations), key=lambda one: one.invoked)


def story(run: Run, lines: int | None = LINES) -> str:
    """A line for each message, fault, and operation; only the last ones if there are more than `lines`."""
    told, arrivals = _told(run)
    found: list[tuple[int, float, str]] = []
    for event in told:
        if event.kind == "note":
            found.append((event.moment, event.time, f"!! {event.what}"))
            continue
        arrival = arrivals.get(event.moment)
        when = "is lost" if arrival is None else f"arrives at {arrival.time:.4f}"
        found.append((event.moment, event.time, f"{event.source} → {event.target}: {_message(event)}, {when}"))
    start = _start(run)
    for operation in _operations(run):
        text = operation.name if operation.argument is None else f"{operation.name} {operation.argument!r}"
        found.append((operation.invoked, operation.began - start, f"{operation.process} begins {text}"))
        if operation.returned is not None:
            end = (operation.ended or operation.began) - start
            found.append((operation.returned, end, f"{operation.process} has {operation}"))
    found.sort()
    if isinstance(run.error, NotLinearizableError) and (culprit := run.error.verdict.culprit) is not None:
        found = [each for each in found if each[0] <= (culprit.returned or 0)]  # what came later explains nothing
    shown = found if lines is None else found[-lines:]
    skipped = [f"({len(found) - len(shown)} lines before)"] if len(shown) < len(found) else []
    return "\n".join([*skipped, *(f"{time:9.4f}  {text}" for _, time, text in shown)])


def _start(run: Run) -> float:
    return run.started


def picture(run: Run, text: str) -> str:
    """A run as one HTML file: a column for each host and process, with messages, faults, and operations."""
    told, arrivals = _told(run)
    marked, culprit, order = _verdict(run.error)
    last = math.inf if culprit is None or culprit.returned is None else culprit.returned
    told = [event for event in told if event.moment <= last][-_DRAWN:]
    first = told[0].moment if told else 0
    operations = [
        one for one in _operations(run) if one.invoked <= last and (one.returned is None or one.returned >= first)
    ]
    start = _start(run)
    moments: dict[int, float] = {}
    for event in told:
        moments[event.moment] = event.time
        if event.moment in arrivals and arrivals[event.moment].moment <= last:
            moments[arrivals[event.moment].moment] = arrivals[event.moment].time
    for operation in operations:
        moments[operation.invoked] = operation.began - start
        if operation.returned is not None and operation.returned <= last:
            moments[operation.returned] = (operation.ended or operation.began) - start
    chart = Chart(_lanes(told, operations), dict(sorted(moments.items())))
    for event in told:
        if event.kind == "note":
            chart.note(None, event.moment, f"{event.what}")
        else:
            arrival = arrivals.get(event.moment)
            end = None if arrival is None or arrival.moment > last else arrival.moment
            late = arrival is not None and arrival.moment > last
            chart.arrow(event.source, event.moment, event.target, end, _message(event), late=late)
    add_operations(chart, operations, marked, culprit, order)
    return chart.html(text)


def _lanes(told: Iterable[Event], operations: Sequence[Operation]) -> list[str]:
    names = {f"{operation.process}": None for operation in operations}
    for event in told:
        if event.kind != "note":
            names.setdefault(event.source)
            names.setdefault(event.target)
    return list(names)


def _verdict(error: BaseException | None) -> tuple[set[Operation], Operation | None, Mapping[int, int]]:
    if isinstance(error, NotLinearizableError):
        return set(error.verdict.window), error.verdict.culprit, {}
    return set(), None, {}
