"""The bytes on the wire: messages, how they are written by hand where speed asks for it, and batching."""
