"""Which nodes a command is for: ``2``, ``0,2``, ``1:3``, ``:2``, ``1:``."""

from examples.storage.words import CommandError

__all__ = ["parse_index", "parse_selection"]


def parse_index(text: str, count: int) -> int:
    """The index of one of `count` nodes.

    Raises:
        CommandError: It is not a number, or there is no such node.
    """
    index = _number(text)
    if index is None:
        raise CommandError(f"{text!r} is not a node: {_nodes(count)}.")
    if index >= count:
        raise CommandError(f"There is no node {text}: {_nodes(count)}.")
    return index


def parse_selection(text: str, count: int) -> tuple[int, ...]:
    """The indices that a list or a half-open range selects out of `count` nodes, in the order given.

    Raises:
        CommandError: It is neither, selects nothing, names a node twice, or one that there is not.
    """
    if ":" in text:
        return _parse_range(text, count)
    indices: list[int] = []
    for part in text.split(","):
        if _number(part) is None:
            raise CommandError(f"Invalid configuration {text!r}: give indices like 0,2 or a range like 1:3 (1 and 2).")
        index = parse_index(part, count)
        if index in indices:
            raise CommandError(f"Invalid configuration {text!r}: duplicate index: {index}.")
        indices.append(index)
    return tuple(indices)


def _parse_range(text: str, count: int) -> tuple[int, ...]:
    first, _, end = text.partition(":")
    start = _number(first) if first else 0
    stop = _number(end) if end else count
    if start is None or stop is None:
        raise CommandError(
            f"Invalid configuration {text!r}: a range is like 1:3 (1 and 2), :2 (0 and 1) or 1: (all but 0)."
        )
    if stop > count:
        raise CommandError(f"Invalid configuration {text!r}: {_nodes(count)}, and {count} is the highest end.")
    if start >= stop:
        raise CommandError(f"Invalid configuration {text!r}: it selects no nodes; {_nodes(count)}.")
    return tuple(range(start, stop))


def _number(text: str) -> int | None:
    # Nine digits are more than anybody has nodes, and fewer than int() refuses.
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def _nodes(count: int) -> str:
    return "the only node is 0" if count == 1 else f"the nodes are 0 to {count - 1}"
