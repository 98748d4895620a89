"""What a program says of its calls: figures, metrics, traces, and observers that are told of each call.

Nothing of this is imported before it is asked for, and calls of which nobody is told cost nothing. `Instrumentation`
needs the extra ``pygorums[otel]``, and `collector` the extra ``pygorums[prometheus]``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pygorums.base.histogram import Quantiles
from pygorums.base.observing import CallObservation, CallObserver, Observer, RequestObservation, RequestObserver
from pygorums.nodes.stats import ConfigurationStats, MethodStats, NodeStats
from pygorums.serving.stats import ServerStats

if TYPE_CHECKING:
    from pygorums.telemetry.metrics import collector
    from pygorums.telemetry.tracing import Instrumentation

__all__ = [
    "CallObservation",
    "CallObserver",
    "ConfigurationStats",
    "Instrumentation",
    "MethodStats",
    "NodeStats",
    "Observer",
    "Quantiles",
    "RequestObservation",
    "RequestObserver",
    "ServerStats",
    "collector",
]

_WITH_EXTRAS = {
    "Instrumentation": ("pygorums.telemetry.tracing", "opentelemetry", "otel"),
    "collector": ("pygorums.telemetry.metrics", "prometheus_client", "prometheus"),
}


def __getattr__(name: str) -> Any:
    if name not in _WITH_EXTRAS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, needed, extra = _WITH_EXTRAS[name]
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != needed:
            raise
        text = f"pygorums.telemetry.{name} needs {needed}: pip install 'pygorums[{extra}]'"
        raise ModuleNotFoundError(text, name=error.name) from error
