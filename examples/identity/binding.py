"""Binding node IDs to certificates.

A node ID is what the opener of a stream says of itself. Whoever can reach a server could say that it is node 2, take
its place in the server's configuration and answer in its name. With mutual TLS the opener has to show a certificate
too, and `authorize` can insist that the one goes with the other.
"""

from collections.abc import Callable, Mapping

import pygorums as gorums

__all__ = ["bound_to_certificates", "certificate_names"]


def certificate_names(auth_context: Mapping[str, list[bytes]]) -> frozenset[str]:
    """The names that a certificate was issued for: its subject alternative names. None without a certificate."""
    return frozenset(name.decode() for name in auth_context.get("x509_subject_alternative_name", ()))


def bound_to_certificates(names: Mapping[int, str]) -> Callable[[gorums.Claim], None]:
    """An `authorize` that lets only those be a node who show a certificate for that node's name.

    Those who claim to be no node are let in as clients, whatever their certificate says.

    Args:
        names: By node ID the name that must be among the certificate's subject alternative names.
    """

    def authorize(claim: gorums.Claim) -> None:
        if not claim.node_id:
            return
        expected = names.get(claim.node_id)
        shown = certificate_names(claim.auth_context)
        if expected is None:
            raise gorums.StatusError(gorums.StatusCode.PERMISSION_DENIED, f"there is no node {claim.node_id} here")
        if expected not in shown:
            raise gorums.StatusError(
                gorums.StatusCode.PERMISSION_DENIED,
                f"node {claim.node_id} is who shows a certificate for {expected}; "
                f"{claim.address} showed one for {', '.join(sorted(shown)) or 'nobody'}",
            )

    return authorize
