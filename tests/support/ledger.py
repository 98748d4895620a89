"""A ledger of who has handled which calls, and whether callers were told the truth.

Callers number their calls to each target. A call's request has the caller's name and that number; the target's handlers
write both down before they do anything else, with the name of their process. Afterwards `Ledger.problems` compares.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Container
from pathlib import Path

__all__ = ["HANDLED", "NOT_HANDLED", "OPEN", "SENT", "UNKNOWN", "UNSURE", "Ledger", "WrittenLedger"]

HANDLED = "handled"
NOT_HANDLED = "not handled"
UNKNOWN = "unknown"
OPEN = "open"  # it was given up
UNSURE = "unsure"  # as without sessions
SENT = "sent"  # a one-way call that has returned


class Ledger:
    """What was handled where, and what callers were told.

    Attributes:
        handled: for each process, who has called and with which number, in the order of handling. The process of a
            target is named by the target, a slash, and something of its own.
        told: what the caller was told of each call, by target, caller and number; empty while it waits.
    """

    def __init__(self) -> None:
        self.handled: dict[str, list[tuple[str, int]]] = {}
        self.told: dict[tuple[str, str, int], str] = {}
        self.idempotent: set[tuple[str, str, int]] = set()  # calls that a process which was replaced may have handled

    def handle(self, process: str, caller: str, number: int) -> None:
        """A handler has begun."""
        self.handled.setdefault(process, []).append((caller, number))

    def tell(self, target: str, caller: str, number: int, told: str) -> None:
        """A caller was told something, or nothing yet."""
        self.told[target, caller, number] = told

    def outcomes(self) -> Counter[str]:
        """How often callers were told what."""
        return Counter(self.told.values())

    def problems(
        self, *, excused: Callable[[str], bool] = lambda _: False, dead: Container[str] = (), doubt: bool = True
    ) -> list[str]:
        """What contradicts the promise.

        Args:
            excused: Whether a target's process was replaced, or its sessions given up.
            dead: Callers that are no more, so that nobody was told anything.
            doubt: Whether a call to another target may be unknown, because it could not be reached for a while.
        """
        times: Counter[tuple[str, str, int]] = Counter()
        problems = []
        for process, entries in self.handled.items():
            target = process.partition("/")[0]
            times.update((target, caller, number) for caller, number in entries)
            last: dict[str, int] = {}
            for caller, number in entries:
                if number < last.get(caller, 0):
                    if (target, caller, number) in self.idempotent and excused(target):
                        continue  # sent again after its session was lost
                    problems.append(f"{process} handled {number} of {caller} after {last[caller]}")
                last[caller] = number
        twice = [(call, count) for call, count in times.items() if count > 1]
        allowed = {call for call, _ in twice if call in self.idempotent and excused(call[0])}
        problems += [f"{call} was handled {count} times" for call, count in twice if call not in allowed]
        problems += [f"{call} was handled, and never made" for call in times.keys() - self.told.keys()]
        for call, told in self.told.items():
            target, caller, _ = call
            count, lost = times[call], excused(target) or caller in dead
            if not told and caller not in dead:
                problems.append(f"{call} never ends")
            elif told == HANDLED and not count:
                problems.append(f"{call} was not handled, and its caller told that it was")
            elif told == NOT_HANDLED and count:
                problems.append(f"{call} was handled, and its caller told that it was not")
            elif told == SENT and not count and not lost:
                problems.append(f"{call} was sent, and is not handled")
            elif told == UNSURE:
                problems.append(f"{call} may be handled or not, and nobody says so")
            elif told == UNKNOWN and not (lost or doubt):
                problems.append(f"{call} is unknown, though nothing was lost")
            elif told not in ("", HANDLED, NOT_HANDLED, SENT, UNKNOWN, OPEN):
                problems.append(f"{call}: {told}")
        return problems


class WrittenLedger(Ledger):
    """Writes everything to a file at once, so that it outlives the process.

    Args:
        path: The file; what is in it stays.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def handle(self, process: str, caller: str, number: int) -> None:
        os.write(self._file, f"handled|{process}|{caller}|{number}\n".encode())

    def tell(self, target: str, caller: str, number: int, told: str) -> None:
        os.write(self._file, f"told|{target}|{caller}|{number}|{told}\n".encode())

    @staticmethod
    def read_into(ledger: Ledger, path: Path) -> None:
        """Enter into another ledger what is in the file."""
        for line in path.read_text().splitlines():
            kind, name, caller, number, *told = line.split("|", 4)
            if kind == "handled":
                ledger.handle(name, caller, int(number))
            else:
                ledger.tell(name, caller, int(number), *told)
