"""Streams of messages to and from one node: transports, the writer, the table of pending calls, reopening."""
