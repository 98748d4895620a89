"""Methods that may be handled twice without harm, as their .proto says."""

from __future__ import annotations

from functools import lru_cache

from google.protobuf import descriptor_pool

__all__ = ["is_idempotent"]


@lru_cache(maxsize=1024)
def is_idempotent(name: str) -> bool:
    """Whether the method with a full name is marked so by protobuf's `idempotency_level`, or has no side effects."""
    try:
        method = descriptor_pool.Default().FindMethodByName(name)
    except KeyError:
        return False
    return bool(method.GetOptions().idempotency_level)
