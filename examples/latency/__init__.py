"""Latency-based selection: calling the fastest nodes only."""
