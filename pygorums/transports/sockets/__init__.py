"""HTTP/2 on asyncio's sockets: TCP, TLS and unix sockets, clients and servers.

What comes is taken apart, and told to who uses its stream, in the callback of the event loop that it came in; what is
written goes to the socket at once. There is no task and no queue on either way.
"""
