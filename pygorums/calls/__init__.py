"""Calls: one file for each call type, and what they share."""
