"""Histories and the checker: pure, and held against the plainest way of doing the same."""
