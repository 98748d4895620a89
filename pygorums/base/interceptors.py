"""What users give as interceptors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["listed_interceptors"]


def listed_interceptors(interceptors: Iterable[Any]) -> tuple[Any, ...]:
    """Interceptors as they are kept.

    Raises:
        TypeError: They are no list, but a single one perhaps, or one of them cannot be called.
    """
    try:
        listed = tuple(interceptors)
    except TypeError:
        text = f"interceptors must be a list, not {interceptors!r:.100}"
        raise TypeError(f"{text}; write [f] for a single one" if callable(interceptors) else text) from None
    for interceptor in listed:
        if not callable(interceptor):
            raise TypeError(f"an interceptor must be a function, not {interceptor!r:.100}")
    return listed
