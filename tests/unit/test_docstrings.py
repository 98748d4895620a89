"""Every public name says what it is for: the names of the packages that users import, and what their classes have."""

import inspect
from types import ModuleType
from typing import Any

import pytest

import pygorums
import pygorums.quorums
import pygorums.sync
import pygorums.telemetry
import pygorums.testing
import pygorums.testing.sync

PACKAGES = (
    pygorums,
    pygorums.quorums,
    pygorums.sync,
    pygorums.telemetry,
    pygorums.testing,
    pygorums.testing.sync,
)


def public(package: ModuleType) -> list[tuple[str, Any]]:
    names: list[tuple[str, Any]] = []
    for name in package.__all__:
        value = getattr(package, name)
        if inspect.isclass(value) and value.__module__.startswith("pygorums"):
            names.append((name, value))
            names.extend(
                (f"{name}.{attribute}", member)
                for attribute, member in inspect.getmembers(value)
                if not attribute.startswith("_") and (callable(member) or isinstance(member, property))
            )
        elif inspect.isfunction(value):
            names.append((name, value))
    return names


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param(name, value, id=f"{package.__name__}.{name}")
        for package in PACKAGES
        for name, value in public(package)
    ],
)
def test_a_public_name_is_described(name: str, value: Any) -> None:
    assert inspect.getdoc(value), f"{name} has no docstring"
