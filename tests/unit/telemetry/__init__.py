"""Traces and metrics: names, and what is on the wire."""
