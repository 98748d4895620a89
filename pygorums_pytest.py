"""Options of pytest for simulations, as `pygorums.testing.check` takes them.

Apart from the package, since pytest imports it in every run, be it one that has nothing to do with pygorums.
"""

from __future__ import annotations

import os
from typing import Any

__all__ = ["pytest_addoption", "pytest_configure", "pytest_unconfigure"]

_OPTIONS = {
    "--gorums-seed": (int, "run scenarios of pygorums with this seed only"),
    "--gorums-seeds": (int, "how many seeds to run scenarios of pygorums with"),
    "--gorums-budget": (float, "for how many seconds to run each scenario of pygorums, instead of a number of seeds"),
    "--gorums-processes": (int, "how many processes run seeds"),
}


def pytest_addoption(parser: Any) -> None:
    """Add the options."""
    group = parser.getgroup("pygorums", "simulations of pygorums")
    for name, (kind, text) in _OPTIONS.items():
        group.addoption(name, type=kind, default=None, help=text)


def _variable(name: str) -> str:
    return name.removeprefix("--").replace("-", "_").upper()


def pytest_configure(config: Any) -> None:
    """Tell `check`, also in the processes that pytest starts."""
    for name in _OPTIONS:
        value = config.getoption(name)
        if value is not None:
            os.environ[_variable(name)] = str(value)


def pytest_unconfigure(config: Any) -> None:
    """Leave nothing behind."""
    for name in _OPTIONS:
        if config.getoption(name) is not None:
            os.environ.pop(_variable(name), None)
