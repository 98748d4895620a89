"""Names: from those of the .proto to those of Python."""

import keyword
import re
import unicodedata

__all__ = [
    "alias",
    "constant",
    "function",
    "importable",
    "is_identifier",
    "module",
    "module_path",
    "reachable",
    "server_class",
    "shown",
]

# As they are in any protobuf and any of its backends. Those that begin with an underscore are not listed.
_ATTRIBUTES_OF_MESSAGES = frozenset(
    [
        *("ByteSize", "Clear", "ClearExtension", "ClearField", "CopyFrom", "DESCRIPTOR", "DiscardUnknownFields"),
        *("Extensions", "FindInitializationErrors", "FromString", "HasExtension", "HasField", "IsInitialized"),
        *("ListFields", "MergeFrom", "MergeFromString", "ParseFromString", "RegisterExtension"),
        *("SerializePartialToString", "SerializeToString", "SetInParent", "UnknownFields", "WhichOneof", "mro"),
    ]
)
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ACRONYM_THEN_WORD = re.compile(r"([A-Z]+)([A-Z][a-z])")
_WORD_THEN_CAPITAL = re.compile(r"([a-z0-9])([A-Z])")


def is_identifier(name: str) -> bool:
    """Whether this is an identifier of the language of .proto files; so it is one of Python, or a keyword."""
    return _IDENTIFIER.fullmatch(name) is not None


def shown(name: str) -> str:
    """A name as messages show it: what is not printable, a line's end too, is escaped."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in name)


def function(method: str, service: str = "") -> str:
    """The function's name: ``ReadQC`` becomes ``read_qc`` and ``GetHTTPCode2`` ``get_http_code2``.

    A keyword gets a trailing underscore. Leading underscores, which say "private", are dropped. With a service,
    its name comes first: ``storage_read_qc``.
    """
    whole = f"{service}_{method.lstrip('_')}" if service else method
    words = _ACRONYM_THEN_WORD.sub(r"\1_\2", whole)
    name = _WORD_THEN_CAPITAL.sub(r"\1_\2", words).lower().lstrip("_")
    if not name or name[0].isdigit():
        return f"_{name}"
    return f"{name}_" if keyword.iskeyword(name) else name


def constant(method: str, service: str = "") -> str:
    """The name of a method's ``Method``: the function's in upper case."""
    return function(method, service).upper()


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
    """Whether an import statement, or an attribute, can spell this dotted name.

    Python reads compatible characters in source, such as ligatures, as the ones they stand for.
    """
    parts = name.split(".")
    spelled = all(part.isidentifier() and not keyword.iskeyword(part) for part in parts)
    return spelled and unicodedata.is_normalized("NFKC", name)


def reachable(names: tuple[str, ...]) -> bool:
    """Whether ``module.Outer.Inner`` means that message wherever it stands.

    Keywords cannot be spelled, and private names mean others inside a class body. Messages have attributes of
    their own, which hide nested messages of those names, and modules of messages have some too.
    """
    outer, *inner = names
    if not all(map(importable, names)) or outer == "DESCRIPTOR" or outer.startswith("__"):
        return False
    return not any(
        name in _ATTRIBUTES_OF_MESSAGES or name.startswith("_") or name.endswith("_FIELD_NUMBER") for name in inner
    )


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
