"""What carries streams, piece by piece, and without sockets where that can be."""
