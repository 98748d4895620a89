"""What a quorum call waits for, as users say it: a number of nodes, or quorums."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, TypeAlias

from pygorums.base.errors import ConfigurationError
from pygorums.quorum.quorums import Quorums
from pygorums.quorum.rule import Rule

__all__ = ["Need", "at_least_one", "need_of", "quorum_rule"]

MAX_RULES = 100
"""How many rules a configuration knows to fit it."""

Need: TypeAlias = int | Rule | None
"""How many nodes, or which; None: all that are asked."""


class _Nodes(Protocol):
    @property
    def node_ids(self) -> tuple[int, ...]: ...
    @property
    def rules(self) -> dict[int | Rule, Rule]: ...


def at_least_one(n: int) -> int:
    """`n`, a number of replies to wait for.

    Raises:
        TypeError: It is not a whole number.
        ValueError: It is less than 1.
    """
    if not isinstance(n, int):  # a call that counts down from 1.5 would never end
        raise TypeError(f"a quorum call needs a whole number of replies, not {n!r:.200}{_hint(n)}")
    if n < 1:
        raise ValueError(f"a quorum call needs at least one reply, not {n}")
    return n


def quorum_rule(config: _Nodes, quorums: Quorums) -> Rule:
    """What quorums ask of the nodes of a configuration.

    Raises:
        TypeError: They are no quorums.
        ConfigurationError: Some of their nodes are not in the configuration; the text names them.
    """
    if not isinstance(quorums, Quorums):
        hint = _hint(quorums) or ("; threshold takes a number" if isinstance(quorums, int) else "")
        raise TypeError(f"a quorum is asked for by an expression, such as system.reads, not by {quorums!r:.200}{hint}")
    rule = quorums.rule
    rules = config.rules
    if rule not in rules:
        if rule.mask(config.node_ids) != rule.everyone:
            raise ConfigurationError(_missing(quorums.nodes, config.node_ids))
        if len(rules) >= MAX_RULES:  # of somebody who makes new ones for each call
            rules.clear()
        rules[rule] = rule
    return rule


def need_of(config: _Nodes, need: int | Quorums) -> int | Rule:
    """What a number or quorums ask of the nodes of a configuration.

    Raises:
        TypeError, ValueError, ConfigurationError: As `at_least_one` and `quorum_rule`.
    """
    return quorum_rule(config, need) if isinstance(need, Quorums) else at_least_one(need)


def _hint(given: Any) -> str:
    return "; say whether .reads or .writes" if hasattr(given, "reads") and hasattr(given, "writes") else ""


def _missing(nodes: Iterable[int], there: Iterable[int]) -> str:
    missing = sorted(set(nodes) - set(there))
    which = f"node {missing[0]}" if len(missing) == 1 else f"nodes {', '.join(map(str, missing))}"
    return f"the quorums have {which}, and the configuration {', '.join(map(str, there)) or 'no nodes'}"
