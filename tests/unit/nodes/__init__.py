"""Addresses and lists of nodes, before anything connects."""
