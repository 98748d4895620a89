"""Which sets of nodes are quorums: expressions, as ``all_of(1, 2) | of(2, 3, 4, 5)``.

All of them are one thing: parts with weights, each a node or an expression again, and how much weight is needed. *All
of* needs the weight of all parts, *any of* that of one. So is the dual of an expression, the sets that meet each of its
quorums: parts and weights stay, each part becomes its dual, and of a total weight t instead of k it needs t - k + 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol, TypeAlias

from pygorums.base.errors import ConfigurationError
from pygorums.quorum.rule import Rule
from pygorums.wire.handshake import MAX_NODE_ID

__all__ = ["Member", "Nodes", "Quorums", "all_of", "any_of", "id_of", "ids_of", "of", "weighing"]

MAX_DEPTH = 40
"""How deep expressions may be nested; Python's parser, which compiles them, has a limit too."""


class HasID(Protocol):
    """A node, of either world."""

    @property
    def id(self) -> int:
        """Its ID."""


Nodes: TypeAlias = "int | Iterable[int | HasID]"
"""Nodes, by themselves or by their IDs, as in a configuration; a number n stands for the IDs from 1 to n."""


class Quorums:
    """Sets of nodes, of which each set that contains one is one too. Immutable; made by `of` and its like.

    ``a & b`` are the sets that are quorums of both, ``a | b`` those of either.

    Attributes:
        need: How much weight of the parts makes a quorum.
        parts: The parts, each with its weight: nodes by ID, and further expressions.
        nodes: The IDs of all nodes in it, ascending.
    """

    __slots__ = ("_rule", "depth", "need", "nodes", "occurrences", "parts")

    def __init__(self, need: int, parts: Iterable[tuple[int, int | Quorums]]) -> None:
        self.need = need
        self.parts = tuple(parts)
        inner = [part for _, part in self.parts if isinstance(part, Quorums)]
        own = [part for _, part in self.parts if isinstance(part, int)]
        self.depth: int = 1 + max((part.depth for part in inner), default=0)
        if self.depth > MAX_DEPTH:
            raise ConfigurationError(f"quorums are nested deeper than {MAX_DEPTH} levels: write them flatter")
        self.occurrences: int = len(own) + sum(part.occurrences for part in inner)
        self.nodes: tuple[int, ...] = tuple(sorted({*own, *(node_id for part in inner for node_id in part.nodes)}))
        self._rule: Rule | None = None

    @property
    def weight(self) -> int:
        """The weight of all parts together."""
        return sum(weight for weight, _ in self.parts)

    @property
    def unweighted(self) -> bool:
        """Whether all parts weigh 1."""
        return all(weight == 1 for weight, _ in self.parts)

    @property
    def flat(self) -> bool:
        """Whether all parts are nodes."""
        return self.depth == 1

    @property
    def simple(self) -> bool:
        """Whether each node occurs once."""
        return self.occurrences == len(self.nodes)

    @property
    def rule(self) -> Rule:
        """The predicate on masks, which is compiled when it is first asked for."""
        if self._rule is None:
            bits = {node_id: 1 << place for place, node_id in enumerate(self.nodes)}
            number = self.need if self.flat and self.unweighted else None
            self._rule = Rule(bits, _compiled(self, bits), number)
        return self._rule

    def is_quorum(self, nodes: Iterable[int | HasID]) -> bool:
        """Whether nodes, or their IDs, make a quorum, or contain one.

        Nodes that are not in the expression count for nothing.

        Raises:
            TypeError: These are no nodes.
        """
        if isinstance(nodes, int):  # which elsewhere is a number of nodes
            raise TypeError(f"is_quorum takes several nodes or their IDs, such as [{nodes}], not {nodes!r}")
        rule = self.rule
        return rule.enough(rule.mask(ids_of(nodes)))

    @property
    def dual(self) -> Quorums:
        """The sets that meet every quorum of these: what writes need if these are the reads."""
        parts = ((weight, part if isinstance(part, int) else part.dual) for weight, part in self.parts)
        return Quorums(self.weight - self.need + 1, parts)

    def __and__(self, other: Quorums | HasID | int) -> Quorums:
        return all_of(self, other)

    def __or__(self, other: Quorums | HasID | int) -> Quorums:
        return any_of(self, other)

    __rand__, __ror__ = __and__, __or__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Quorums):
            return NotImplemented
        return self.need == other.need and Counter(self.parts) == Counter(other.parts)

    def __hash__(self) -> int:
        return hash((self.need, self.nodes))

    def __repr__(self) -> str:
        if self.unweighted:
            inside = ", ".join(repr(part) for _, part in self.parts)
            if self.need == len(self.parts):
                return f"all_of({inside})"
            return f"any_of({inside})" if self.need == 1 else f"of({self.need}, {inside})"
        if self.flat:
            inside = ", ".join(f"{part}: {weight}" for weight, part in self.parts)
            return f"weighing({self.need}, {{{inside}}})"
        return f"weighing({self.need}, {[(part, weight) for weight, part in self.parts]!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Quorums, (self.need, self.parts)


Member: TypeAlias = "int | HasID | Quorums"
"""A part of an expression: a node, its ID, or another expression."""


def id_of(node: Any) -> int:
    """The ID of a node, which may be given itself.

    Raises:
        TypeError: It is neither a node nor a number.
        ConfigurationError: The number is no ID.
    """
    node_id = node if isinstance(node, int) else getattr(node, "id", None)
    if not isinstance(node_id, int) or isinstance(node_id, bool):
        raise TypeError(f"quorums consist of nodes or their IDs, not of {node!r:.100}")
    if not 1 <= node_id <= MAX_NODE_ID:
        raise ConfigurationError(f"invalid node ID {node_id}: IDs go from 1 to {MAX_NODE_ID}")
    return node_id


def ids_of(nodes: Nodes) -> list[int]:
    """The IDs of nodes, in their order.

    Raises:
        TypeError, ConfigurationError: As `id_of`.
    """
    if isinstance(nodes, int):
        return list(range(1, nodes + 1))
    if isinstance(nodes, str | bytes) or not isinstance(nodes, Iterable):
        raise TypeError(f"nodes must be a configuration, or a list of nodes or their IDs, not {nodes!r:.100}")
    return [id_of(node) for node in nodes]


def of(need: int, *members: Member) -> Quorums:
    """The sets in which at least `need` of the members are: nodes, or quorums of further expressions.

    Raises:
        ConfigurationError: A node is named twice, or `need` is less than 1 or more than there are members.
        TypeError: A member is none.
    """
    return weighing(need, [(member, 1) for member in members])


def all_of(*members: Member) -> Quorums:
    """The sets that contain all of these, as ``all_of(1, 2)``; to name one again adds nothing."""
    parts = _merged(members, lambda part: part.need == len(part.parts))
    return Quorums(len(parts), parts)


def any_of(*members: Member) -> Quorums:
    """The sets that contain any of these; to name one again adds nothing."""
    return Quorums(1, _merged(members, lambda part: part.need == 1))


def weighing(need: int, members: Mapping[Any, int] | Iterable[tuple[Any, int]]) -> Quorums:
    """The sets whose members weigh at least `need` together.

    Args:
        need: How much.
        members: Nodes, their IDs, or expressions, each with its weight, a whole number. A weight of 0 is a member that
            does not count.

    Raises:
        ConfigurationError: A node is named twice, a weight is negative, or `need` is less than 1 or more than all
            weigh together.
        TypeError: A member is none, or a weight no whole number.
    """
    pairs = members.items() if isinstance(members, Mapping) else members
    parts: list[tuple[int, int | Quorums]] = []
    for member, weight in pairs:
        if not isinstance(weight, int) or isinstance(weight, bool):
            raise TypeError(f"the weight of {member!r:.100} must be a whole number, not {weight!r:.100}")
        if weight < 0:
            raise ConfigurationError(f"the weight of {member!r:.100} is negative: {weight}")
        parts.append((weight, member if isinstance(member, Quorums) else id_of(member)))
    named = Counter(part for _, part in parts if isinstance(part, int))
    for node_id, times in named.items():
        if times > 1:
            raise ConfigurationError(f"node {node_id} is named {times} times")
    total = sum(weight for weight, _ in parts)
    if not isinstance(need, int) or isinstance(need, bool):
        raise TypeError(f"a quorum needs a whole number, not {need!r:.100}")
    if not parts:
        raise ConfigurationError("there are no nodes that could make a quorum")
    if not 1 <= need <= total:
        raise ConfigurationError(f"a quorum cannot need {need} of {total}: it must be from 1 to {total}")
    return Quorums(need, parts)


def _merged(members: Iterable[Member], like: Callable[[Quorums], bool]) -> list[tuple[int, int | Quorums]]:
    """Members as parts, in which those of expressions of the same kind stand themselves, each once."""
    found: dict[int | Quorums, None] = {}
    for member in members:
        if not isinstance(member, Quorums):
            found[id_of(member)] = None
        elif member.unweighted and like(member):
            found.update(dict.fromkeys(part for _, part in member.parts))
        else:
            found[member] = None
    if not found:
        raise ConfigurationError("there are no nodes that could make a quorum")
    return [(1, part) for part in found]


def _compiled(quorums: Quorums, bits: Mapping[int, int]) -> Callable[[int], bool]:
    # As text it is one expression of integers, which Python evaluates several times faster than functions that call
    # each other. Nothing in it but our own words and numbers.
    enough: Callable[[int], bool] = eval(f"lambda m: {_text(quorums, bits)}", {"__builtins__": {}})
    return enough


def _text(quorums: Quorums, bits: Mapping[int, int]) -> str:
    if quorums.unweighted:
        if quorums.need == len(quorums.parts):
            return " and ".join(_terms(quorums, bits, lambda mask: f"(m & {mask:#x}) == {mask:#x}"))
        if quorums.need == 1:
            return " or ".join(_terms(quorums, bits, lambda mask: f"(m & {mask:#x}) != 0"))
    return f"{' + '.join(_summands(quorums, bits))} >= {quorums.need}"


def _terms(quorums: Quorums, bits: Mapping[int, int], nodes: Callable[[int], str]) -> Iterator[str]:
    mask = sum(bits[part] for _, part in quorums.parts if isinstance(part, int))
    if mask:
        yield nodes(mask)
    for _, part in quorums.parts:
        if isinstance(part, Quorums):
            yield f"({_text(part, bits)})"


def _summands(quorums: Quorums, bits: Mapping[int, int]) -> Iterator[str]:
    masks: Counter[int] = Counter()
    for weight, part in quorums.parts:
        if weight and isinstance(part, int):
            masks[weight] += bits[part]
    for weight, mask in masks.items():
        yield f"{'' if weight == 1 else f'{weight} * '}(m & {mask:#x}).bit_count()"
    for weight, part in quorums.parts:
        if weight and isinstance(part, Quorums):
            yield f"{'' if weight == 1 else f'{weight} * '}({_text(part, bits)})"
