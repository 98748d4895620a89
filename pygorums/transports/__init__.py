"""What carries streams over sockets: the protocols, without the sockets."""
