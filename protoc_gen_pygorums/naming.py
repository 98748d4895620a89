"""Names: from those of the .proto to those of Python."""

import keyword
import re

__all__ = [
    "alias",
    "constant",
    "function",
    "importable",
    "module",
    "module_path",
    "private_in_class",
    "server_class",
]

_ACRONYM_THEN_WORD = re.compile(r"([A-Z]+)([A-Z][a-z])")
_WORD_THEN_CAPITAL = re.compile(r"([a-z0-9])([A-Z])")


def function(method: str) -> str:
    """The function's name: ``ReadQC`` becomes ``read_qc`` and ``GetHTTPCode2`` ``get_http_code2``.

    A keyword gets a trailing underscore. Leading underscores, which say "private", are dropped.
    """
    words = _ACRONYM_THEN_WORD.sub(r"\1_\2", method)
    name = _WORD_THEN_CAPITAL.sub(r"\1_\2", words).lower().lstrip("_")
    if not name or name[0].isdigit():
        return f"_{name}"
    return f"{name}_" if keyword.iskeyword(name) else name


def constant(method: str) -> str:
    """The name of a method's ``Method``: the function's in upper case."""
    return function(method).upper()


def server_class(service: str) -> str:
    """The name of the class that servers derive from."""
    return f"{service}Server"


def module(proto: str, suffix: str, prefix: str = "") -> str:
    """The dotted name of a file's module, by the rule of protoc's own Python output.

    Dashes become underscores and dots, like slashes, part packages: ``a/b-c/x.y.proto`` with the suffix
    ``_pb2`` is ``a.b_c.x.y_pb2``. The prefix is not for google's own protos, which come with packages.
    """
    stem = proto.removesuffix(".protodevel").removesuffix(".proto")
    name = stem.replace("-", "_").replace("/", ".") + suffix
    return f"{prefix}.{name}" if prefix and not proto.startswith("google/") else name


def module_path(proto: str) -> str:
    """Where the generated module of a file goes, relative to the output folder."""
    return module(proto, "_gorums").replace(".", "/") + ".py"


def importable(name: str) -> bool:
    """Whether an import statement, or an attribute, can spell this dotted name."""
    return all(part.isidentifier() and not keyword.iskeyword(part) for part in name.split("."))


def private_in_class(name: str) -> bool:
    """Whether Python would read this attribute as another name inside a class body (name mangling)."""
    return name.startswith("__") and not name.endswith("__")


def alias(module_name: str, taken: set[str]) -> str:
    """A private name, not yet taken, for an imported module.

    That is the last part of the module's name, or else all of it, or else that with a number. It starts with
    an underscore and a letter, which no function, constant or server class does.
    """
    for candidate in (module_name.rpartition(".")[2], module_name):
        name = re.sub(r"\W", "_", candidate, flags=re.ASCII).lstrip("_").lower()
        name = f"_{name}" if name[:1].isalpha() else f"_module_{name}"
        if name not in taken:
            return name
    return next(numbered for n in range(2, len(taken) + 3) if (numbered := f"{name}_{n}") not in taken)
