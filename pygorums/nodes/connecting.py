"""Connecting: from the addresses of nodes to a configuration that can be called."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import grpc

from pygorums.base.backoff import Backoff
from pygorums.base.errors import ConfigurationError
from pygorums.base.metadata import StreamMetadataLike, stream_pairs
from pygorums.base.observing import CallObserver
from pygorums.base.session import DEFAULT_SESSION, Session
from pygorums.nodes.address import numbered
from pygorums.nodes.configuration import Configuration
from pygorums.nodes.outbound_pool import pool_of
from pygorums.streams.channel import RequestServer
from pygorums.transports.choosing import TransportName

__all__ = ["connect"]


def connect(
    nodes: Iterable[str] | Mapping[int, str],
    *,
    credentials: ssl.SSLContext | grpc.ChannelCredentials | None = None,
    transport: TransportName | None = None,
    metadata: StreamMetadataLike = None,
    server: RequestServer | None = None,
    interceptors: Sequence[Any] = (),
    observers: Sequence[CallObserver] = (),
    send_buffer: int = 64 << 20,
    backoff: Backoff = Backoff(),  # noqa: B008 - it is immutable
    session: Session | None = DEFAULT_SESSION,
    suspect_after: float | None = None,
    channel_options: Sequence[tuple[str, Any]] = (),
) -> Configuration:
    """Make a configuration and start to connect to its nodes, in the background.

    Returns at once; must be called while an event loop runs. Nodes that are down are tried again and again,
    without a call being needed. Names are looked up at each attempt.

    Args:
        nodes: Addresses ``host:port`` or ``unix:path``, whose nodes get the IDs 1, 2, … in the given order; or a
            mapping from IDs to addresses.
        credentials: For TLS, an `ssl.SSLContext`, or what `grpc.ssl_channel_credentials` makes; None for plain text.
        transport: What carries the streams: ``"asyncio"``, ``"grpc"``, or ``"auto"`` for asyncio unless something was
            given that only gRPC has. By default the environment's ``PYGORUMS_TRANSPORT``, or else gRPC.
        metadata: Sent to each node when a stream to it is opened; handlers see it. Values are strings, or bytes if
            their key ends in ``-bin``.
        server: A `Server` whose handlers answer calls that the nodes make back over these connections. If it
            has a node ID, the node with that ID is called in the process, without the network.
        interceptors: Client interceptors for all calls to these nodes, inside of those that a call brings.
        observers: Who is told of each call to these nodes, as `pygorums.telemetry.Instrumentation.client`.
        send_buffer: How many bytes may wait to be sent to one node. A message that does not fit fails, at
            once and for that node alone, with `RESOURCE_EXHAUSTED`.
        backoff: How long to wait between attempts to reach a node.
        session: How sessions are kept with nodes that are pygorums, which is so by default: all calls are handled once
            and in order then, however often connections break. None for no sessions: a request whose connection breaks
            is sent again, and may be handled twice.
        suspect_after: From which level on a node that is silent is suspected (`NodeSuspected`, `Node.suspected`),
            though its stream goes on. That is φ of an accrual failure detector, which learns how far apart the signs of
            life of each node come: at 1 one suspicion in ten is wrong, at 8 one in a hundred million. By default none
            is suspected.
        channel_options: gRPC channel options as pairs of name and value. Set ``grpc.max_send_message_length``
            here, and ``grpc.max_receive_message_length`` at the other end, for messages above 4 MiB.

    Raises:
        ConfigurationError: No addresses, a malformed or duplicate one, an ID that is 0, beyond uint32 or in
            use; a `send_buffer` that is not positive, a `suspect_after` that is not from 1 to 100, a
            `session` that is none.
        TypeError: `server` is no `Server`, but one of `pygorums.sync`, say; an observer observes no calls.
        RuntimeError: No event loop is running.
    """
    addresses = numbered(nodes)
    if server is not None and not hasattr(server, "handle_requests"):
        raise TypeError(f"server must be a pygorums.Server, not {server!r}; those of pygorums.sync go with its connect")
    if send_buffer <= 0:
        raise ConfigurationError(f"send_buffer must be a positive number of bytes, not {send_buffer}")
    pool = pool_of(
        metadata=stream_pairs(metadata),
        credentials=credentials,
        transport=transport,
        send_buffer=send_buffer,
        backoff=backoff,
        session=session,
        suspect_after=suspect_after,
        channel_options=channel_options,
        interceptors=interceptors,
        server=server,
        observers=observers,
    )
    return Configuration([pool.add(node_id, address) for node_id, address in addresses.items()], pool)
