"""A replicated key-value store, and a prompt to try every call type on it: ``python -m examples.storage``."""
