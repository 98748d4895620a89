"""What is a majority?"""

from __future__ import annotations

__all__ = ["majority_of"]


def majority_of(size: int) -> int:
    """The smallest number of nodes of which any two such sets share one."""
    return size // 2 + 1
