"""What to believe of replies if some of those who gave them lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

__all__ = ["vouched"]

T = TypeVar("T")


def vouched(replies: Mapping[int, T], *, f: int, key: Callable[[T], Any]) -> T | None:
    """The newest reply that f + 1 nodes agree on, so that one of them is right although f lie.

        value = await read(config, request).aggregate(lambda replies: q.vouched(replies, f=1, key=version))

    Read from a quorum of `masking`, it is no older than the last write that has ended.

    Args:
        replies: The reply of each node, by ID, as `collect_quorum` gives them.
        f: How many nodes may lie, at the most.
        key: Gives the version of a reply: of two, the greater one is newer. It is called only with replies that enough
            nodes agree on, that is, which are equal.

    Returns:
        The reply; None if there is none that f + 1 nodes agree on. So `aggregate` takes it: then it waits for more.

    Raises:
        ValueError: `f` is negative.
    """
    if f < 0:
        raise ValueError(f"f is how many nodes may lie, and not {f}")
    # Messages cannot be hashed, and there are few.
    groups: list[tuple[T, int]] = []
    for reply in replies.values():
        for index, (other, count) in enumerate(groups):
            if other == reply:
                groups[index] = other, count + 1
                break
        else:
            groups.append((reply, 1))
    return max((reply for reply, count in groups if count > f), key=key, default=None)
