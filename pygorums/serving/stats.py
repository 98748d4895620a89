"""A server in figures, at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pygorums.base.observers import Observers
from pygorums.nodes.peers import Peers
from pygorums.nodes.stats import MethodStats, NodeStats, methods_in, nodes_in
from pygorums.serving.sources import Sources

__all__ = ["ServerStats", "server_stats"]


@dataclass(frozen=True, slots=True)
class ServerStats:
    """A server in figures.

    Attributes:
        methods: The requests that were handled, by the full name of the method, and how long they took from when they
            came. Those of unknown methods, which were refused, are all under ``"_OTHER"``.
        calls: The calls that it has made, to its peers and back to clients, by the full name of the method.
        nodes: The known peers that are connected and the server itself, by ID.
        clients: How many clients are connected that serve calls.
        streams: How many streams others have open to it.
        running: How many handlers run.
        held_bytes: The bytes of requests that wait or are handled, and of replies that are not written.
    """

    methods: Mapping[str, MethodStats]
    calls: Mapping[str, MethodStats]
    nodes: Mapping[int, NodeStats]
    clients: int
    streams: int
    running: int
    held_bytes: int


def server_stats(observers: Observers, peers: Peers, sources: Sources, streams: int) -> ServerStats:
    """The figures of a server.

    Args:
        observers: Who counts its requests, which they do from now on.
        peers: Who is connected.
        sources: Where requests come from.
        streams: How many others have opened.
    """
    counters = observers.count()
    return ServerStats(
        methods_in(counters.requests),
        methods_in(counters.calls),
        nodes_in(peers.config),
        len(peers.client_config),
        streams,
        sources.running,
        sources.held_bytes,
    )
