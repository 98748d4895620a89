"""Keeps gRPC's own remarks off the standard error of programs.

gRPC's core writes lines about connections that come and go there, past Python's logging. It reads the variable
when it is imported, so this comes first. Whoever wants the lines sets ``GRPC_VERBOSITY`` to ``INFO`` or ``DEBUG``.
"""

import os

__all__: list[str] = []

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
