"""TLS: what it takes to speak HTTP/2 over it, and what it has proved of a client."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from pygorums.base.errors import ConfigurationError

__all__ = ["checked_context", "proved_by", "speaks_http2", "why_tls_failed"]

_NAMES = {"DNS": "", "URI": "", "IP Address": "", "email": ""}
"""The kinds of alternative names that gRPC tells too."""


def checked_context(tls: object, *, server: bool) -> ssl.SSLContext | None:
    """A context that can be used; it is told to ask for HTTP/2 by ALPN, which gRPC needs.

    Args:
        tls: What the user gave.
        server: Whether it is for a server.

    Raises:
        ConfigurationError: It is no context, or one for the other end.
    """
    if tls is None:
        return None
    if not isinstance(tls, ssl.SSLContext):
        raise ConfigurationError(f"credentials for the asyncio transport are an ssl.SSLContext, not {tls!r:.100}")
    wrong = ssl.PROTOCOL_TLS_CLIENT if server else ssl.PROTOCOL_TLS_SERVER
    if tls.protocol == wrong:
        ends = ("server", "SERVER") if server else ("client", "CLIENT")
        raise ConfigurationError(
            f"the ssl.SSLContext cannot be used for a {ends[0]}: make it with ssl.PROTOCOL_TLS_{ends[1]}"
        )
    tls.set_alpn_protocols(["h2"])
    return tls


def speaks_http2(tls: ssl.SSLObject | None) -> bool:
    """Whether both ends have agreed on HTTP/2; without TLS there is nothing to agree on."""
    return tls is None or tls.selected_alpn_protocol() == "h2"


def why_tls_failed(error: BaseException, other: str = "server") -> str:
    """What went wrong with a handshake, in words.

    Args:
        error: What was raised.
        other: Which end the other side is.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: the {other}'s certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"):
            return "TLS: the other side does not speak TLS"
        reason = (error.reason or str(error)).lower().replace("_", " ")
        return f"TLS: {reason}"
    return "TLS: the connection was closed during the handshake"


def proved_by(tls: ssl.SSLObject | None) -> Mapping[str, list[bytes]]:
    """What TLS has proved of the other side, under the names that gRPC uses; empty without TLS."""
    if tls is None:
        return {}
    proved: dict[str, list[bytes]] = {
        "transport_security_type": [b"ssl"],
        "security_level": [b"TSI_PRIVACY_AND_INTEGRITY"],
        "ssl_session_reused": [b"true" if tls.session_reused else b"false"],
    }
    certificate = tls.getpeercert(binary_form=True)
    fields: Mapping[str, Any] = tls.getpeercert() or {}
    if certificate is None or not fields:  # a certificate that was not verified proves nothing
        return proved
    proved["x509_pem_cert"] = [ssl.DER_cert_to_PEM_cert(certificate).encode()]
    common = [value for part in fields.get("subject", ()) for key, value in part if key == "commonName"]
    if common:
        proved["x509_common_name"] = [common[-1].encode()]
    names = [value.encode() for kind, value in fields.get("subjectAltName", ()) if kind in _NAMES]
    if names:
        proved["x509_subject_alternative_name"] = names
    return proved
