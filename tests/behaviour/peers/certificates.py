"""Certificates that are made when they are first asked for."""

from functools import cache

import grpc
import trustme

from examples.identity.member import Identity

__all__ = ["OTHERS", "OURS", "client_credentials", "identity", "server_credentials"]


@cache
def _authority(name: str) -> trustme.CA:
    return trustme.CA(organization_name=name)


OURS, OTHERS = "ours", "others"
"""Two authorities."""


@cache
def identity(*names: str, authority: str = OURS) -> Identity:
    """A certificate for some names, host names or IP addresses, and the authority that it comes from."""
    ca = _authority(authority)
    issued = ca.issue_cert(*names)
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
    return Identity(ca.cert_pem.bytes(), chain, issued.private_key_pem.bytes())


def server_credentials(*names: str, authority: str = OURS) -> grpc.ServerCredentials:
    """Of a server that asks nobody for a certificate."""
    own = identity(*names, authority=authority)
    return grpc.ssl_server_credentials([(own.private_key, own.certificate)])


def client_credentials(authority: str = OURS) -> grpc.ChannelCredentials:
    """Of a client that has no certificate."""
    return grpc.ssl_channel_credentials(_authority(authority).cert_pem.bytes())
