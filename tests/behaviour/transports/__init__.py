"""What carries streams, over real sockets: what both of its ends are told, and when."""
