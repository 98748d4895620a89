"""How fast pygorums is, beside hand-written gRPC on the same machine: ``python -m benchmarks``.

Here are the command line, the commands, and the services that both sides speak. The folders import only from those
before them: `statistics`, `loads`, `measuring`, `servers`, `subjects`, `reports`, `reach`, `quorums`.
"""

import os

# gRPC reads this when it is imported. What it would log when an address cannot be used, we say.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import pygorums  # noqa: F401 - it sets further variables, so it has to come before grpc as well
