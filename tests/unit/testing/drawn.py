"""Histories drawn with characters, so that a test shows what it is about.

    a  [write 1   ]
    b       [read → 1]
    a               [write 2 ?

A bracket is a moment, and what stands further right comes later. An operation that ends in ``?`` has never returned;
one that ends in ``!`` has failed.
"""

import ast
import re

from pygorums.testing import Operation, Outcome

OPERATION = re.compile(r"\[(\w+)\s*([^→\]?!]*?)\s*(?:→\s*([^\]]*?))?\s*([\]?!])")


def drawn(text: str) -> list[Operation]:
    """The operations of a drawing, in the order of their invocations."""
    operations = []
    for line in filter(str.strip, text.splitlines()):
        process = line.split()[0]
        for found in OPERATION.finditer(line):
            name, argument, result, end = found.groups()
            outcome = {"]": Outcome.OK, "?": Outcome.UNKNOWN, "!": Outcome.FAILED}[end]
            # Two moments in one column are told apart: what begins comes before what ends.
            returned = None if end == "?" else 2 * (found.end() - 1) + 1
            operations.append(
                Operation(process, name, _value(argument), _value(result), outcome, 2 * found.start(), returned)
            )
    return sorted(operations, key=lambda operation: operation.invoked)


def _value(text: str | None) -> object:
    return ast.literal_eval(text) if text else None
