"""What a call is made with besides its request: its own arguments on top of those of its configuration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pygorums.base.handling import HANDLING
from pygorums.base.metadata import MetadataLike, encode_entries, pairs_of
from pygorums.base.timeout import sending_timeout, waiting_timeout

__all__ = ["NO_OPTIONS", "CallOptions", "listed_interceptors"]


class CallOptions:
    """A timeout, metadata and interceptors, checked. Shared by all calls that add nothing to them, so never changed.

    Attributes:
        timeout: Seconds, or None for no limit. In those of a configuration None leaves it to the handler that makes
            the call, and infinity is no limit.
        metadata: Sent with the message.
        entries: The same as encoded fields of the message.
        interceptors: Wrapped around the call, the first one innermost. Their type belongs to the calls, a floor above.
    """

    __slots__ = ("_last", "entries", "interceptors", "metadata", "timeout")

    def __init__(
        self,
        timeout: float | None,
        metadata: tuple[tuple[str, str], ...],
        entries: bytes,
        interceptors: tuple[Any, ...],
    ) -> None:
        self.timeout = timeout
        self.metadata = metadata
        self.entries = entries
        self.interceptors = interceptors
        self._last: CallOptions | None = None  # of a call that brought a timeout: the next one brings the same, mostly

    def extended(
        self, *, timeout: float | None = None, metadata: MetadataLike = None, interceptors: Iterable[Any] = ()
    ) -> CallOptions:
        """Options of further calls: these, with another timeout if one is given, and what else is added.

        Raises:
            TypeError, ValueError: As for the arguments of a call.
        """
        sending_timeout(timeout)
        return self._with(self.timeout if timeout is None else timeout, metadata, interceptors)

    def of_waiting(self, timeout: float | None, metadata: MetadataLike, interceptors: Iterable[Any]) -> CallOptions:
        """The options of a call that waits for replies; the timeout is what it has from now on.

        Raises:
            TypeError, ValueError: An argument is of the wrong kind.
        """
        adds_nothing = not metadata and not interceptors
        if adds_nothing:  # as most calls do, so this is short
            if timeout is None:
                if self.timeout is None and HANDLING.get() is None:
                    return self
            elif (last := self._last) is not None and last.timeout == timeout:
                return last
        options = self._with(waiting_timeout(self.timeout if timeout is None else timeout), metadata, interceptors)
        if adds_nothing and options is not self:
            self._last = options
        return options

    def of_sending(self, timeout: float | None, metadata: MetadataLike, interceptors: Iterable[Any]) -> CallOptions:
        """The same for a one-way call."""
        return self._with(sending_timeout(self.timeout if timeout is None else timeout), metadata, interceptors)

    def _with(self, timeout: float | None, metadata: MetadataLike, interceptors: Iterable[Any]) -> CallOptions:
        if timeout == self.timeout and not metadata and not interceptors:
            return self
        pairs, entries, listed = self.metadata, self.entries, self.interceptors
        if metadata:
            added = pairs_of(metadata, len(pairs))
            pairs, entries = pairs + added, entries + encode_entries(added)
        if interceptors:
            listed += listed_interceptors(interceptors)
        return CallOptions(timeout, pairs, entries, listed)


NO_OPTIONS = CallOptions(None, (), b"", ())


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
