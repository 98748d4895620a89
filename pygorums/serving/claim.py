"""What the opener of a stream says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pygorums.base.metadata import Metadata

__all__ = ["Claim"]


@dataclass(frozen=True, slots=True)
class Claim:
    """What the opener of a stream says of itself, for `authorize` to judge.

    Attributes:
        node_id: The node ID that it claims to have, 0 for a client that serves calls; None if it claims none.
        auth_context: What TLS has proved, as in gRPC: ``x509_common_name``, ``x509_subject_alternative_name`` and
            others, each a list of bytes. Empty without TLS.
        metadata: All that it sent when it opened the stream.
        address: Its network address.
    """

    node_id: int | None
    auth_context: Mapping[str, list[bytes]]
    metadata: Metadata
    address: str
