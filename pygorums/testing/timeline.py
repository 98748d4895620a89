"""Operations as lines of text, each with a bar for the time between its invocation and its return."""

from __future__ import annotations

from collections.abc import Sequence

from pygorums.testing.operations import Operation

__all__ = ["timeline_of"]

_WIDTH = 60  # characters of the bars


def timeline_of(operations: Sequence[Operation], culprit: Operation | None = None) -> str:
    """One line for each operation. Bars show the order of invocations and returns, not how much time went by.

    Args:
        operations: In the order of their invocations.
        culprit: One that is pointed out.
    """
    moments = {operation.invoked for operation in operations}
    moments |= {operation.returned for operation in operations if operation.returned is not None}
    column = {moment: index for index, moment in enumerate(sorted(moments))}
    scale = min(3.0, _WIDTH / max(1, len(column)))
    names = [f"{operation.process}" for operation in operations]
    texts = [f"{operation}" for operation in operations]
    wide_names, wide_texts = max(map(len, names), default=0), max(map(len, texts), default=0)
    lines = []
    for operation, name, text in zip(operations, names, texts, strict=True):
        start = round(column[operation.invoked] * scale)
        if operation.returned is None:
            bar = "├" + "─" * (round(len(column) * scale) - start) + "…"
        else:
            bar = "├" + "─" * max(0, round(column[operation.returned] * scale) - start - 1) + "┤"
        line = f"{name:{wide_names}}  {text:{wide_texts}}  {' ' * start}{bar}"
        lines.append(f"{line}  ← this" if operation is culprit else line)
    return "\n".join(lines)
