"""What gRPC's core is told by environment variables, which it reads when it is imported; so this comes first.

It writes lines about connections that come and go to the standard error, past Python's logging. Whoever wants
them sets ``GRPC_VERBOSITY`` to ``INFO`` or ``DEBUG``.

In a forked child it tries to bring its threads back, and often crashes the child doing so, even one that never
uses gRPC. The asynchronous API is of no use in such a child anyhow. Whoever forks with gRPC's blocking API sets
``GRPC_ENABLE_FORK_SUPPORT`` to ``1``. If grpc was imported before, it is too late to tell it anything, which is said.
"""

import os
import sys
import warnings

__all__: list[str] = []

_FORK_SUPPORT = "GRPC_ENABLE_FORK_SUPPORT"

if "grpc" in sys.modules and _FORK_SUPPORT not in os.environ and hasattr(os, "fork"):
    warnings.warn(
        "grpc was imported before pygorums: processes that are forked from this one may crash. "
        f"Import pygorums first, or set the environment variable {_FORK_SUPPORT}=0 before the program starts",
        RuntimeWarning,
        stacklevel=3,
    )

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
os.environ.setdefault(_FORK_SUPPORT, "0")
