"""How fast pygorums is, beside hand-written gRPC on the same machine: ``python -m benchmarks``."""

import pygorums  # noqa: F401 - before grpc, which reads when it is imported what pygorums sets
