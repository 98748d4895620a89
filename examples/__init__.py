"""Programs that show pygorums at work."""

import pygorums  # noqa: F401 - before grpc, which it sets up
