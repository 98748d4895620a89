"""HTTP/2 and gRPC's rules for it, as classes that take bytes and give events and bytes to write.

Nothing here knows sockets, event loops or clocks: whoever owns a connection hands it what arrives, with the time, and
writes what it takes from it. `ClientConnection` and `ServerConnection` are the two ends.

HPACK is the library's. The frames are read and written here, because every message of a node stream passes through: a
chunk of bytes becomes messages in one call. The rules are those of RFC 9113, in the words of which comments cite
sections, and of gRPC over HTTP/2.
"""
