"""Sessions, over real sockets: calls are handled once and in order while connections break under them."""
