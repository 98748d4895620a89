"""Servers that know each other: identity, TLS, calls back over a stream, nested calls, systems."""
