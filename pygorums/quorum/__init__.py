"""Quorum logic without a loop, a clock or a network: when is a call decided, and how far has it come."""
