"""What ``--pygorums_opt`` says: strict, so that a misspelt option is never dropped in silence."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from protoc_gen_pygorums import naming

__all__ = ["HELP", "OptionError", "Options", "parse"]

HELP = """\
options (--pygorums_opt=NAME=VALUE, more of them separated by commas):
  import_prefix=PACKAGE    the package that the output folder is: generated modules import
                           PACKAGE.storage_pb2 instead of storage_pb2 (google.* stays as it is)
  streaming=skip           leave out the streaming methods that no option of gorums.proto gives a
                           call type, as services of plain gRPC have them; otherwise (streaming=refuse)
                           they are errors
  function_prefix=service  call functions storage_read instead of read, after their services, so that
                           services of one file may have methods of one name (function_prefix=none)
"""


class OptionError(ValueError):
    """Plugin options that do not exist, or have values that they cannot have: one line each."""


@dataclass(frozen=True, slots=True)
class Options:
    """The plugin's options."""

    import_prefix: str = ""
    """The package under which generated modules are imported; empty for the top."""
    skip_streaming: bool = False
    """Whether streaming methods that have no call type are left out, not refused."""
    prefix_functions: bool = False
    """Whether the names of functions and constants begin with that of their service."""


def _import_prefix(value: str) -> str:
    if not naming.importable(value):
        raise ValueError("not the name of a Python package; write it with dots, as in import_prefix=my.generated")
    return value


def _choice(name: str, yes: str, no: str) -> Callable[[str], bool]:
    def choose(value: str) -> bool:
        if value not in (yes, no):
            raise ValueError(f"it is {name}={yes} or {name}={no}")
        return value == yes

    return choose


# For each name how it is written, its field of Options, and what reads its value.
_OPTIONS: Final[dict[str, tuple[str, str, Callable[[str], object]]]] = {
    "import_prefix": ("import_prefix=PACKAGE", "import_prefix", _import_prefix),
    "streaming": ("streaming=skip", "skip_streaming", _choice("streaming", "skip", "refuse")),
    "function_prefix": (
        "function_prefix=service",
        "prefix_functions",
        _choice("function_prefix", "service", "none"),
    ),
}


def parse(parameter: str) -> Options:
    """Read the parameter of a request: ``name=value``, comma-separated.

    Raises:
        OptionError: with a line for each option that is wrong, for the one who wrote it.
    """
    values: dict[str, object] = {}
    problems = []
    for option in filter(None, parameter.split(",")):
        name, _, value = option.partition("=")
        try:
            field, read = _known(name)
            if field in values:
                raise ValueError(f"{name} is given twice; give it once")
            values[field] = read(value)
        except ValueError as error:
            problems.append(f"--pygorums_opt={naming.shown(option)}: {error}")
    if problems:
        raise OptionError("\n".join(problems))
    return Options(**values)  # type: ignore[arg-type]  # the table pairs each field with what reads its values


def _known(name: str) -> tuple[str, Callable[[str], object]]:
    if name not in _OPTIONS:
        known = ", ".join(written for written, _, _ in _OPTIONS.values())
        raise ValueError(f"there is no option {name!r}, only {known}; remove it")
    _, field, read = _OPTIONS[name]
    return field, read
