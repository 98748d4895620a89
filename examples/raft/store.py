"""What the log is about: keys and values, and which commands of which client have been executed."""

from collections.abc import Mapping

from examples.raft.raft_pb2 import Command, Data, Outcome, Session

__all__ = ["Store"]

MOST_CLIENTS = 10_000
"""Clients that are remembered. Who has asked longest ago is forgotten first, at all members alike."""


class Store:
    """All members execute the same commands in the same order, so they all have the same.

    A client has one command under way at a time and numbers them. What comes again, since its client has heard nothing,
    gets the outcome of the first time.
    """

    def __init__(self, data: bytes = b"") -> None:
        known = Data.FromString(data)
        self.values = dict(known.values)
        self._sessions = {session.client: session for session in known.sessions}

    def execute(self, command: Command) -> Outcome:
        """Execute a command, or say what came of it when it was."""
        session = self._sessions.pop(command.client, None)
        if session is None or session.number < command.number:
            session = Session(client=command.client, number=command.number, outcome=self._executed(command))
        self._sessions[command.client] = session
        if len(self._sessions) > MOST_CLIENTS:
            del self._sessions[next(iter(self._sessions))]
        return session.outcome

    def get(self, key: str) -> Outcome:
        """What is stored under a key."""
        return Outcome(done=True, value=self.values.get(key))

    def _executed(self, command: Command) -> Outcome:
        before = self.values.get(command.key)
        expected = command.expected if command.HasField("expected") else None
        done = command.kind == Command.PUT or before == expected
        if done:
            self.values[command.key] = command.value
        return Outcome(done=done, value=before)

    def dump(self) -> bytes:
        """All of it, for a snapshot."""
        values: Mapping[str, str] = self.values
        return Data(values=values, sessions=self._sessions.values()).SerializeToString()
