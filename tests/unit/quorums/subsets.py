"""Brute force over sets of nodes."""

from collections.abc import Callable, Iterable, Iterator
from itertools import combinations

Predicate = Callable[[set[int]], bool]


def subsets(nodes: Iterable[int]) -> Iterator[set[int]]:
    ids = sorted(nodes)
    for size in range(len(ids) + 1):
        yield from map(set, combinations(ids, size))


def minimal(nodes: Iterable[int], predicate: Predicate) -> set[frozenset[int]]:
    """The sets that satisfy a predicate and have no smaller one within."""
    found: list[set[int]] = []
    for each in subsets(nodes):  # by ascending size
        if predicate(each) and not any(smaller <= each for smaller in found):
            found.append(each)
    return set(map(frozenset, found))
