"""HTTP/2 and gRPC's rules for it, as classes that take bytes and give events and bytes to write.

Nothing here knows sockets, event loops or clocks. `ClientConnection` and `ServerConnection` are the two ends; the owner
of one

- hands it what arrives, with the time, in `receive`, and looks at the events that it returns, in order;
- writes what it gets from `take`, after `receive` and after whatever it has called itself, and goes on with `resume`
  and `take` while messages are `held_back`; but not while its socket does not take what it has;
- says `consumed` of messages when it has done with them, and gives a stream no more to `send` while any are `waiting`;
- closes the socket when `ended` is true and all is written, and calls `lost` when the socket has ended.

HPACK is the library's. The frames are read and written here, because every message of a node stream passes through: a
chunk of bytes becomes messages in one call. So are the states of connections and streams, because what a frame means
depends on data that no library would have seen: how much has come of them, and whether they have ended. The rules are
those of RFC 9113, whose sections comments cite, and of gRPC over HTTP/2.
"""
