"""Nodes, and configurations of them that share a pool of connections."""
