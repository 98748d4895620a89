"""Reliable broadcast where some lie. README.md says what it promises, how to run it, and how it is checked."""
