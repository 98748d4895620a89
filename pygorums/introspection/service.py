"""Serving ``pygorums.Introspection``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from pygorums.base.histogram import Quantiles
from pygorums.introspection.introspection_gorums import STATS, IntrospectionServer
from pygorums.introspection.introspection_pb2 import MethodStats as MethodMessage
from pygorums.introspection.introspection_pb2 import NodeStats as NodeMessage
from pygorums.introspection.introspection_pb2 import Quantiles as QuantilesMessage
from pygorums.introspection.introspection_pb2 import ServerStats, StatsRequest
from pygorums.nodes.node import Node
from pygorums.nodes.stats import MethodStats, NodeStats, nodes_in
from pygorums.serving.context import ServerContext
from pygorums.serving.telling import Telling
from pygorums.version import __version__

__all__ = ["Introspecting"]


class Introspecting(IntrospectionServer):
    """Tells of one server, whose requests are counted from now on.

    Args:
        server: The server; if it is that of a system, of the connections to its peers too.
    """

    def __init__(self, server: Telling) -> None:
        self._server: Any = server
        server.observers.count()

    async def stats(self, ctx: ServerContext, request: StatsRequest) -> ServerStats:  # noqa: ARG002 - it asks for all
        """The server in figures."""
        server = self._server
        stats = server.stats()
        return ServerStats(
            version=__version__,
            node_id=server.node_id,
            methods=_methods(stats.methods),
            calls=_methods(stats.calls),
            nodes=self._nodes(),
            clients=stats.clients,
            streams=stats.streams,
            running=stats.running,
            held_bytes=stats.held_bytes,
        )

    def _nodes(self) -> Iterator[NodeMessage]:
        server = self._server
        nodes: list[Node] = []
        if server.system is not None:
            with suppress(RuntimeError):  # it was not started
                nodes += server.system.outbound
        nodes += [node for node in server.config() if node.is_inbound]
        for node in nodes:
            yield _node(nodes_in([node])[node.id], inbound=node.is_inbound)


def _methods(methods: Mapping[str, MethodStats]) -> Iterator[MethodMessage]:
    for name, each in sorted(methods.items()):
        if name != STATS.name:
            yield MethodMessage(name=name, by_status=each.by_status, durations=_quantiles(each.durations))


def _node(node: NodeStats, *, inbound: bool) -> NodeMessage:
    return NodeMessage(
        id=node.id,
        address=node.address,
        inbound=inbound,
        state=node.state,
        pending=node.pending,
        queued_bytes=node.queued_bytes,
        latencies=_quantiles(node.latencies),
        reconnects=node.reconnects,
        last_error=(node.last_error or "").encode(errors="replace").decode(),
    )


def _quantiles(quantiles: Quantiles | None) -> QuantilesMessage | None:
    if quantiles is None:
        return None
    return QuantilesMessage(
        count=quantiles.count, mean=quantiles.mean, p50=quantiles.p50, p90=quantiles.p90, p99=quantiles.p99
    )
