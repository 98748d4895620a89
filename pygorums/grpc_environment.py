"""What gRPC's core is told by environment variables, which it reads when it is imported; so this comes first.

It writes lines about connections that come and go to the standard error, past Python's logging. Whoever wants
them sets ``GRPC_VERBOSITY`` to ``INFO`` or ``DEBUG``.

In a forked child it tries to bring its threads back, and often crashes the child doing so, even one that never
uses gRPC. The asynchronous API is of no use in such a child anyhow. Whoever forks with gRPC's blocking API sets
``GRPC_ENABLE_FORK_SUPPORT`` to ``1``.
"""

import os

__all__: list[str] = []

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
