"""Texts of peers, as people get to see them."""

from __future__ import annotations

__all__ = ["shown"]


def shown(text: str, limit: int = 2000) -> str:
    r"""A text that a peer has chosen, safe to be written to a terminal or as one line of a log.

    Line breaks, terminal escapes and whatever else cannot be printed become escapes such as ``\n`` and ``\x1b``, and
    what is longer than `limit` characters is cut.
    """
    if len(text) > limit:
        text = f"{text[:limit]}… ({len(text)} characters)"
    if text.isprintable():
        return text
    return "".join([char if char.isprintable() else ascii(char)[1:-1] for char in text])
