"""What is imported when, and what is said where a package is missing."""

import subprocess
import sys

import pytest

from pygorums import telemetry


def test_nothing_is_imported_that_nobody_asked_for() -> None:
    program = """
import sys
import pygorums
late = ("pygorums.telemetry", "pygorums.nodes.stats", "pygorums.serving.stats", "pygorums.base.counting")
print([name for name in (*late, "opentelemetry", "prometheus_client", "rich") if name in sys.modules])
from pygorums import telemetry
print([name for name in ("opentelemetry", "prometheus_client", "rich") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == ["[]", "[]"]


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [("Instrumentation", "opentelemetry", "otel"), ("collector", "prometheus_client", "prometheus")],
)
def test_a_missing_package_is_named(name: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("tracing", "trace_context", "metrics"):
        monkeypatch.delitem(sys.modules, f"pygorums.telemetry.{module}", raising=False)
    for module in [package, *(each for each in sys.modules if each.startswith(f"{package}."))]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(
        ModuleNotFoundError, match=rf"telemetry.{name} needs {package}: pip install 'pygorums\[{extra}\]'"
    ):
        getattr(telemetry, name)


def test_there_is_nothing_else() -> None:
    with pytest.raises(AttributeError, match="no attribute 'tracer'"):
        telemetry.tracer  # noqa: B018 - which is what is tested
