"""What a user says of serving plain gRPC clients."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Plain"]


@dataclass(frozen=True, slots=True)
class Plain:
    """What a server serves to plain gRPC clients besides the methods of its services, for ``Server(plain=)``.

    Both need the extra: ``pip install 'pygorums[plain]'``. Neither asks `authorize`: probes have no credentials, and
    who may read the .proto may read it here.

    Args:
        reflection: Whether clients such as grpcurl can ask which services and messages there are.
        health: Whether to serve ``grpc.health.v1.Health``, which tells what `Server.health` has.
    """

    reflection: bool = True
    health: bool = True
