"""A member of a cluster in which everybody proves who they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pygorums as gorums  # before grpc, which it sets up

# isort: split
import grpc

from examples.identity.binding import bound_to_certificates

__all__ = ["Identity", "secure_client", "secure_system"]


@dataclass(frozen=True)
class Identity:
    """What proves to others who one is, and what others are judged by, all in PEM.

    Attributes:
        authority: The certificates of those whose signature is trusted.
        certificate: The own certificate, with what stands between it and the authority.
        private_key: The key to it.
    """

    authority: bytes
    certificate: bytes
    private_key: bytes

    def for_server(self) -> grpc.ServerCredentials:
        """Show the certificate to clients, and want to see one of theirs."""
        pair = (self.private_key, self.certificate)
        return grpc.ssl_server_credentials([pair], root_certificates=self.authority, require_client_auth=True)

    def for_client(self) -> grpc.ChannelCredentials:
        """Check the server's certificate, and show it one."""
        return grpc.ssl_channel_credentials(self.authority, self.private_key, self.certificate)


def secure_system(
    address: str,
    service: gorums.Service,
    node_id: int,
    peers: Mapping[int, str],
    names: Mapping[int, str],
    identity: Identity,
    **options: Any,
) -> gorums.System:
    """A system, not started, in which all streams are encrypted and both ends of each are known.

    Args:
        address: ``host:port`` to listen on. The host, as peers write it, must be among the names of the certificate.
        service: What it serves.
        node_id: The own ID.
        peers: All addresses by node ID.
        names: By node ID the name that a node's certificate must have.
        identity: The own certificate, which is shown both to peers that connect and to those connected to.
        options: Further keyword arguments of `pygorums.System`.
    """
    return gorums.System(
        address,
        service,
        node_id=node_id,
        peers=peers,
        credentials=identity.for_server(),
        channel_credentials=identity.for_client(),
        authorize=bound_to_certificates(names),
        **options,
    )


def secure_client(nodes: Mapping[int, str], identity: Identity, **options: Any) -> gorums.Configuration:
    """Connect to such a cluster as a client, which needs a certificate of the same authority, for whatever name."""
    return gorums.connect(nodes, credentials=identity.for_client(), **options)
