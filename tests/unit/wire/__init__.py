"""Bytes: whatever is written is read as the same, and is what protobuf would write."""
