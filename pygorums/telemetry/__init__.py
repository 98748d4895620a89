"""What a program says of its calls: figures, and observers that are told of each.

Nothing of this is imported before it is asked for, and calls of which nobody is told cost nothing.
"""

from pygorums.base.histogram import Quantiles
from pygorums.base.observing import CallObservation, CallObserver, Observer, RequestObservation, RequestObserver
from pygorums.nodes.stats import ConfigurationStats, MethodStats, NodeStats
from pygorums.serving.stats import ServerStats

__all__ = [
    "CallObservation",
    "CallObserver",
    "ConfigurationStats",
    "MethodStats",
    "NodeStats",
    "Observer",
    "Quantiles",
    "RequestObservation",
    "RequestObserver",
    "ServerStats",
]
