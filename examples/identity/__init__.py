"""Peers that prove who they are: node IDs bound to TLS certificates."""
