"""What the figures were measured on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import pygorums as gorums

__all__ = ["describe", "machine"]


def machine() -> dict[str, str | int | list[float]]:
    """The machine and the software, for JSON."""
    facts: dict[str, str | int | list[float]] = {
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "grpcio": version("grpcio"),
        "protobuf": version("protobuf"),
        "pygorums": gorums.__version__,
    }
    if hasattr(os, "getloadavg"):
        facts["load_average"] = list(os.getloadavg())
    return facts


def describe(facts: dict[str, str | int | list[float]]) -> str:
    """The same in a line."""
    names = ("python", "grpcio", "protobuf", "pygorums")
    software = ", ".join(f"{'' if name == 'python' else name + ' '}{facts[name]}" for name in names)
    return f"{facts['processor']}, {facts['cores']} cores, {facts['system']}; {software}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.processor() or "unknown processor"
