"""Two ends of a connection with nothing between them, for tests."""

from __future__ import annotations

from pygorums.transports.http2.client import ClientConnection
from pygorums.transports.http2.client_stream import ClientStream
from pygorums.transports.http2.events import Event, MessagesReceived, RequestReceived
from pygorums.transports.http2.limits import Limits
from pygorums.transports.http2.server import ServerConnection
from pygorums.transports.http2.server_stream import ServerStream
from tests.unit.transports.http2.raw import PATH

__all__ = ["Pair", "messages_of"]


def messages_of(events: list[Event]) -> list[bytes]:
    """All messages among events, in order."""
    return [message for event in events if isinstance(event, MessagesReceived) for message in event.messages]


class Pair:
    """A client and a server, whose bytes go across when `run` is called.

    Unless `held`, what a stream receives is consumed at once.
    """

    def __init__(self, client: Limits | None = None, server: Limits | None = None) -> None:
        self.client = ClientConnection("localhost", limits=client or Limits())
        self.server = ServerConnection({PATH}, limits=server or Limits())
        self.held = False
        self.carried = 0

    def run(self) -> tuple[list[Event], list[Event]]:
        """Let everything that is written arrive; returns the events of the client and of the server."""
        at_client: list[Event] = []
        at_server: list[Event] = []
        while True:
            at_client += self.client.resume() if self.client.held_back else []
            at_server += self.server.resume() if self.server.held_back else []
            up = b"".join(self.client.take())
            down = b"".join(self.server.take())
            if not up and not down:
                return at_client, at_server
            self.carried += len(up) + len(down)
            for end, data, events in ((self.server, up, at_server), (self.client, down, at_client)):
                new = end.receive(data, 0.0)
                events += new
                for event in new:
                    if isinstance(event, MessagesReceived) and not self.held:
                        event.stream.consumed(event.size)

    def open(self, metadata: tuple[tuple[str, str | bytes], ...] = ()) -> tuple[ClientStream, ServerStream]:
        """A stream that both ends have, and that the server has responded to."""
        ours = self.client.open(PATH, metadata)
        [theirs] = [event.stream for event in self.run()[1] if isinstance(event, RequestReceived)]
        theirs.respond()
        self.run()
        return ours, theirs
