"""Streams that break, are refused or never come about, and how they are opened again."""
