"""What ``--pygorums_opt`` says: strict, so that a misspelt option is never dropped in silence."""

import keyword
from dataclasses import dataclass

__all__ = ["HELP", "OptionError", "Options", "parse"]

HELP = """\
options (--pygorums_opt=NAME=VALUE):
  import_prefix=PACKAGE  the package that the output folder is: generated modules import
                         PACKAGE.storage_pb2 instead of storage_pb2 (google.* stays as it is)
"""


class OptionError(ValueError):
    """A plugin option that does not exist, or has a value that it cannot have."""


@dataclass(frozen=True, slots=True)
class Options:
    """The plugin's options."""

    import_prefix: str = ""
    """The package under which generated modules are imported; empty for the top."""


def parse(parameter: str) -> Options:
    """Read the parameter of a request: ``name=value``, comma-separated.

    Raises:
        OptionError: with a message for the one who wrote the option.
    """
    values: dict[str, str] = {}
    for option in filter(None, parameter.split(",")):
        name, _, value = option.partition("=")
        if name != "import_prefix":
            raise OptionError(
                f"--pygorums_opt={option}: there is no option {name!r}, only import_prefix=PACKAGE; remove it"
            )
        if name in values:
            raise OptionError(f"--pygorums_opt={option}: {name} is given twice; give it once")
        values[name] = value
    prefix = values.get("import_prefix")
    if prefix is None:
        return Options()
    if not all(part.isidentifier() and not keyword.iskeyword(part) for part in prefix.split(".")):
        raise OptionError(
            f"--pygorums_opt=import_prefix={prefix}: not the name of a Python package; "
            "write it with dots, as in import_prefix=my.generated"
        )
    return Options(import_prefix=prefix)
