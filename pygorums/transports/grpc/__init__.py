"""Streams over gRPC's own Python library: the ends of a stream, and what listens for them."""
