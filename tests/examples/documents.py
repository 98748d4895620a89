"""The code in Markdown files."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

__all__ = ["Block", "blocks_of", "functions", "missing_targets", "signature"]

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block.

    Attributes:
        language: what stands after the fence.
        text: what is inside.
        line: the number of the line before it.
    """

    language: str
    text: str
    line: int


def blocks_of(document: str) -> list[Block]:
    """All blocks, in order."""
    return [Block(match[1], match[2], document.count("\n", 0, match.start(2))) for match in _BLOCK.finditer(document)]


def missing_targets(path: Path) -> list[str]:
    """The links of a document that lead nowhere: to no file, or to no heading."""
    document = _BLOCK.sub("", path.read_text())
    return [
        target
        for target in re.findall(r"\]\(([^)]+)\)", document)
        if not target.startswith("https://") and not _exists(target, path)
    ]


def _exists(target: str, path: Path) -> bool:
    name, _, anchor = target.partition("#")
    file = path.parent / name if name else path
    return file.exists() and (not anchor or anchor in _anchors(file.read_text()))


def _anchors(document: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _BLOCK.sub("", document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def functions(source: str) -> dict[str, ast.FunctionDef]:
    """The functions of a module by name, methods as ``Class.name``; of overloads the first, which is for asyncio."""
    found: dict[str, ast.FunctionDef] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            found.setdefault(node.name, node)
        elif isinstance(node, ast.ClassDef):
            for member in node.body:
                if isinstance(member, ast.FunctionDef):
                    found[f"{node.name}.{member.name}"] = member
    return found


class _WithoutModules(ast.NodeTransformer):
    """``_register_pb2.Value`` and ``Value`` are the same to a reader."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.Name:
        return ast.Name(node.attr)


def signature(function: ast.FunctionDef) -> tuple[list[str], list[str], list[str], str]:
    """Positional and keyword-only parameters, the latter's defaults, and the result."""
    arguments = function.args
    assert function.returns is not None
    return (
        [argument.arg for argument in arguments.args],
        [argument.arg for argument in arguments.kwonlyargs],
        [ast.unparse(default) for default in arguments.kw_defaults if default is not None],
        ast.unparse(_WithoutModules().visit(function.returns)),
    )
