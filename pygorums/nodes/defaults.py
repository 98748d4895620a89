"""Defaults for the calls to a configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pygorums.base.interceptors import listed_interceptors
from pygorums.base.metadata import MetadataLike, pairs_of
from pygorums.base.timeout import sending_timeout

__all__ = ["CallDefaults"]


@dataclass(frozen=True, slots=True)
class CallDefaults:
    """What a configuration adds to the arguments of each call.

    Attributes:
        timeout: Seconds, for calls that bring none.
        metadata: Sent before the call's own.
        interceptors: Wrapped around the call, inside of its own.
    """

    timeout: float | None
    metadata: tuple[tuple[str, str], ...]
    interceptors: tuple[Any, ...]

    @classmethod
    def over(
        cls, base: CallDefaults | None, timeout: float | None, metadata: MetadataLike, interceptors: Sequence[Any]
    ) -> CallDefaults:
        """Further defaults on top of others.

        Raises:
            TypeError, ValueError: As for the arguments of a call.
        """
        sending_timeout(timeout)
        base = base or cls(None, (), ())
        return cls(
            timeout=base.timeout if timeout is None else timeout,
            metadata=base.metadata + pairs_of(metadata),
            interceptors=(*base.interceptors, *listed_interceptors(interceptors)),
        )

    def applied(
        self, timeout: float | None, metadata: MetadataLike, interceptors: Sequence[Any]
    ) -> tuple[float | None, MetadataLike, Sequence[Any]]:
        """The arguments of a call with these defaults."""
        return (
            self.timeout if timeout is None else timeout,
            self.metadata + pairs_of(metadata),
            (*self.interceptors, *listed_interceptors(interceptors)),
        )
