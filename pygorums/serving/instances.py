"""Clients that are known again when they open a new stream."""

from __future__ import annotations

from collections.abc import Hashable

import grpc

from pygorums.base.errors import StatusError
from pygorums.serving.accepted_stream import AcceptedStream
from pygorums.serving.succession import Succession

__all__ = ["Instances"]


class Instances:
    """Which stream each client has. A client is known for as long as it has one, or handlers of an earlier one run.

    Clients of other implementations, which do not say who they are, are None here. Each of their streams is on its own.
    """

    def __init__(self) -> None:
        self._successions: dict[Hashable, Succession] = {}
        self._streams: dict[Hashable, tuple[int, AcceptedStream]] = {}

    def succession(self, client: Hashable | None) -> Succession:
        """In what order the streams of a client are handled."""
        return Succession() if client is None else self._successions.setdefault(client, Succession())

    def opened(self, client: Hashable | None, arrival: int, stream: AcceptedStream) -> None:
        """A client may use a stream now. If it has an older one it has given that up, even if we were not told.

        Raises:
            StatusError: It has one already that has arrived later. This one took longer to be let in.
        """
        if client is None:
            return
        other_arrival, other = self._streams.get(client, (-1, None))
        if other_arrival > arrival:
            raise StatusError(grpc.StatusCode.ABORTED, "there is a newer stream")
        self._streams[client] = (arrival, stream)
        if other is not None:
            other.replaced()

    def ended(self, client: Hashable | None, stream: AcceptedStream) -> None:
        """A client's stream has ended, and its handlers are cancelled."""
        if client is None:
            return
        if self._streams.get(client, (0, None))[1] is stream:
            del self._streams[client]
        stream.when_idle(lambda: self._forget(client))

    def _forget(self, client: Hashable) -> None:
        succession = self._successions.get(client)
        if succession is not None and not succession.busy and client not in self._streams:
            del self._successions[client]
