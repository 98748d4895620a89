"""Quorum systems, against brute force over all sets of nodes."""
