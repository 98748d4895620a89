"""Prints pip constraints that hold every dependency to the lowest version that pyproject.toml allows."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

__all__ = ["constraints"]


def constraints(pyproject: str) -> Iterator[str]:
    """A constraint for each requirement that has a lower bound, of the runtime and of all extras."""
    project = tomllib.loads(pyproject)["project"]
    for requirements in (project["dependencies"], *project["optional-dependencies"].values()):
        for requirement in requirements:
            if found := re.match(r"([\w.-]+)(?:\[.*?\])?\s*>=\s*([\w.]+)", requirement):
                yield f"{found[1]}=={found[2]}"


if __name__ == "__main__":
    print("\n".join(constraints((Path(__file__).parents[1] / "pyproject.toml").read_text())))
