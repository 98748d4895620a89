"""Configurations and nodes: made, combined, watched, measured, closed."""
