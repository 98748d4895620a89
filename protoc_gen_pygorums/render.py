"""From the model to text, by the templates."""

from functools import cache
from importlib import resources
from pathlib import Path

import jinja2

from protoc_gen_pygorums.model import Module

__all__ = ["docstring", "literal", "render"]


def render(module: Module) -> str:
    """The text of a generated module: the same for the same model, always."""
    return _environment().get_template("module.py.jinja").render(module=module)


def literal(text: str) -> str:
    """A Python string literal of any text, on one line."""
    return '"' + _escaped(text).replace('"', '\\"').replace("\n", "\\n") + '"'


def docstring(text: str, indentation: int = 0) -> str:
    """A docstring literal of the text, with its further lines indented.

    Quotes and backslashes are escaped, and so are characters that an editor does not show.
    """
    end = '\\"' if text.endswith('"') else ""
    lines = (_escaped(text.removesuffix('"')).replace('"""', '\\"\\"\\"') + end).split("\n")
    margin = " " * indentation
    if len(lines) == 1:
        return f'"""{lines[0]}"""'
    return "\n".join(['"""' + lines[0], *(line and margin + line for line in lines[1:]), margin + '"""'])


def _escaped(text: str) -> str:
    return "".join(
        char if char == "\n" or (char.isprintable() and char != "\\") else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["literal"] = literal
    environment.filters["docstring"] = docstring
    return environment


def _template(name: str) -> str:
    """A template: inside the package when it is installed, in a zip too, and beside it in a checkout."""
    package = resources.files("protoc_gen_pygorums")
    installed = package / "templates" / name
    if isinstance(package, Path) and not installed.is_file():
        installed = package.parent / "templates" / name
    return installed.read_text(encoding="utf-8")
