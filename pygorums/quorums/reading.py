"""Quorum systems as text: what users write in a program, on a command line or in a file, read without running it."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pygorums.base.errors import ConfigurationError
from pygorums.quorum.quorums import Quorums, all_of, any_of, of, weighing
from pygorums.quorums import constructors
from pygorums.quorums.systems import QuorumSystem

__all__ = ["Description", "read_file", "system_of"]

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **{name: getattr(constructors, name) for name in constructors.__all__},
    **{function.__name__: function for function in (all_of, any_of, of, weighing, range)},
}
"""What expressions may call."""

LONGEST = 100_000
"""Characters of an expression."""


def system_of(text: str) -> QuorumSystem:
    """The quorum system of an expression, such as ``majority(5)`` or ``all_of(1, 2) | of(2, 3, 4, 5)``.

    Expressions that only say which quorums there are say it of reads.

    Raises:
        ConfigurationError: It is none, or one that is refused; the text says why.
    """
    if len(text) > LONGEST:
        raise ConfigurationError(f"an expression of {len(text)} characters is too long: {LONGEST} are read")
    try:
        value = _value(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ConfigurationError(f"{text!r:.200} is no expression: {error}") from None
    except (TypeError, ValueError) as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(f"{text!r:.200}: {error}") from None
    if isinstance(value, int):
        value = all_of(value)
    if isinstance(value, Quorums):
        return QuorumSystem(reads=value)
    if not isinstance(value, QuorumSystem):
        raise ConfigurationError(f"{text!r:.200} is no quorum system, but {value!r:.100}")
    return value


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=str() | int() | None):
            return node.value
        case ast.List() | ast.Tuple() | ast.Set():
            return [_value(element) for element in node.elts]
        case ast.Dict() if None not in node.keys:
            return {_value(key): _value(value) for key, value in zip(node.keys, node.values, strict=True) if key}
        case ast.BinOp(op=ast.BitAnd()):
            return all_of(_value(node.left), _value(node.right))
        case ast.BinOp(op=ast.BitOr()):
            return any_of(_value(node.left), _value(node.right))
        case ast.Attribute(attr="reads" | "writes" | "dual"):
            return getattr(_value(node.value), node.attr)
        case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(value=ast.Name(), attr=name)):
            if name not in FUNCTIONS:
                raise ConfigurationError(f"there is no {name}, only {', '.join(sorted(FUNCTIONS))}")
            arguments = []
            for argument in node.args:
                if isinstance(argument, ast.Starred):
                    arguments += _value(argument.value)
                else:
                    arguments.append(_value(argument))
            return FUNCTIONS[name](*arguments, **{each.arg: _value(each.value) for each in node.keywords if each.arg})
    raise ConfigurationError(f"{ast.unparse(node)!r:.100} means nothing here: write calls, node IDs, & and |")


@dataclass(frozen=True, slots=True)
class Description:
    """What a file says.

    Attributes:
        system: The quorum system.
        read_fraction: Which part of the calls are reads; None for nothing said.
        capacity: What each node can handle, by ID.
        latency: The seconds that each takes.
    """

    system: QuorumSystem
    read_fraction: Any = None
    capacity: Mapping[int, Any] = field(default_factory=dict)
    latency: Mapping[int, float] = field(default_factory=dict)


def read_file(path: Path) -> Description:
    """What a file in TOML says: ``system``, or ``reads`` and ``writes``; perhaps more of the nodes.

    Raises:
        ConfigurationError: It cannot be read, or says something else.
    """
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from None
    known = {"system", "reads", "writes", "read_fraction", "capacity", "latency"}
    if strange := said.keys() - known:
        raise ConfigurationError(
            f"{path}: {', '.join(sorted(strange))} means nothing; it may say {', '.join(sorted(known))}"
        )
    if ("system" in said) == bool({"reads", "writes"} & said.keys()):
        raise ConfigurationError(f"{path} must say either system, or reads or writes or both")
    if "system" in said:
        system = system_of(said["system"])
    else:
        sides = {side: system_of(said[side]).reads for side in ("reads", "writes") if side in said}
        system = QuorumSystem(**sides)
    fraction = said.get("read_fraction")
    return Description(
        system,
        {float(part): weight for part, weight in fraction.items()} if isinstance(fraction, dict) else fraction,
        {
            int(node_id): tuple(value) if isinstance(value, list) else value
            for node_id, value in said.get("capacity", {}).items()
        },
        {int(node_id): value for node_id, value in said.get("latency", {}).items()},
    )
