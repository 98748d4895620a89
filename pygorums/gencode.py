"""All that generated modules name of the runtime. A change that breaks them needs a new level.

Users have no need of this module: what is public here is in `pygorums` too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from google.protobuf.message import Message

from pygorums.base.metadata import MetadataLike as Metadata
from pygorums.base.method import CallType, Method
from pygorums.calls.interceptors import Interceptor
from pygorums.calls.multicast import multicast
from pygorums.calls.responses import Responses, quorum_call
from pygorums.calls.rpc import rpc
from pygorums.calls.unicast import unicast
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.node import Node
from pygorums.serving.context import ServerContext
from pygorums.serving.service import Service
from pygorums.version import __version__

__all__ = [
    "CallType",
    "Configuration",
    "Interceptors",
    "Metadata",
    "Method",
    "Node",
    "Responses",
    "ServerContext",
    "Service",
    "Timeout",
    "multicast",
    "quorum_call",
    "require",
    "rpc",
    "unicast",
]

SUPPORTED_LEVELS = range(1, 2)
"""The levels of generated code that this runtime runs."""

Timeout = float | None
"""Seconds, or None for no limit."""

_Req = TypeVar("_Req", bound=Message)
_Resp = TypeVar("_Resp", bound=Message)

Interceptors = Sequence[Interceptor[_Req, _Resp]]
"""Client interceptors, the first one innermost."""


def require(level: int, *, plugin: str, source: str) -> None:
    """Refuse generated code of another level than this runtime supports. Generated modules call it first.

    Args:
        level: The level that the code was generated for.
        plugin: The version of protoc-gen-pygorums that generated it.
        source: The .proto file.

    Raises:
        ImportError: It is not supported; the text says what to do.
    """
    if level in SUPPORTED_LEVELS:
        return
    if level >= SUPPORTED_LEVELS.stop:
        fix = f"upgrade the runtime: pip install --upgrade 'pygorums>={plugin}'"
    else:
        fix = f"generate it again from {source} with protoc-gen-pygorums {__version__}"
    raise ImportError(
        f"the code generated from {source} by protoc-gen-pygorums {plugin} (level {level}) does not fit "
        f"pygorums {__version__} (levels {SUPPORTED_LEVELS.start} to {SUPPORTED_LEVELS.stop - 1}): {fix}"
    )
