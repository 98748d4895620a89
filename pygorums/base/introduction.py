"""What a member of a cluster tells another of the list of peers that it was given.

All members must give the same IDs to the same nodes. If they do not, nothing fails that could be noticed: some are
called by wrong names, or never. So a member says, when it opens a stream to one of its peers, which node it takes
that for, and which IDs there are; the other side compares. Addresses are not compared, for a node may go by several.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pygorums.base.shown import shown
from pygorums.wire.handshake import PEERS_KEY

__all__ = ["disagreements", "introduction"]

MAX_LENGTH = 1000
"""Characters; a list that takes more is not sent, or looked at."""

_INTRODUCTION = re.compile(r"([0-9]{1,10}) ([0-9]{1,10}(?:-[0-9]{1,10})?(?:,[0-9]{1,10}(?:-[0-9]{1,10})?)*)")


def introduction(acceptor: int, known: Iterable[int]) -> tuple[tuple[str, str], ...]:
    """The metadata for a stream to the peer `acceptor`, if the IDs of all that are `known` fit in."""
    value = f"{acceptor} {_ranges(known)}"
    return ((PEERS_KEY, value),) if len(value) <= MAX_LENGTH else ()


def disagreements(metadata: Iterable[tuple[str, str | bytes]], own_id: int, known: Iterable[int]) -> Iterator[str]:
    """How the list in the metadata of a stream differs from our own: sentences that begin with what its opener does."""
    value = next((value for key, value in metadata if key == PEERS_KEY), "")
    match = _INTRODUCTION.fullmatch(value) if isinstance(value, str) and len(value) <= MAX_LENGTH else None
    if match is None:
        return
    acceptor, theirs = match.groups()
    if int(acceptor) != own_id:
        yield f"takes this server for node {acceptor}, but it is node {own_id}"
    ours = _ranges(known)
    if theirs != ours:
        yield f"knows the nodes {shown(theirs, 200)}, this server knows {shown(ours, 200)}"


def _ranges(node_ids: Iterable[int]) -> str:
    runs: list[list[int]] = []
    for node_id in sorted(node_ids):
        if runs and node_id == runs[-1][1] + 1:
            runs[-1][1] = node_id
        else:
            runs.append([node_id, node_id])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
