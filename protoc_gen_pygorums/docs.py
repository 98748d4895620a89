"""What docstrings say: the comments of the .proto, or else a default for the call type."""

from typing import Final

from protoc_gen_pygorums.call_types import CallType

__all__ = ["call_doc", "handler_doc", "server_doc"]

_CALLS: Final = {
    CallType.RPC: (
        "Call ``{name}`` on a node.\n\n"
        "Sends at once; the future has the node's reply.\n"
        "With a node of ``pygorums.sync``, waits and returns the reply."
    ),
    CallType.UNICAST: (
        "Send ``{name}`` to a node.\n\n"
        "One-way: sends at once; the future is done when the message has been handed to the stream.\n"
        "With a node of ``pygorums.sync``, waits until then."
    ),
    CallType.MULTICAST: (
        "Send ``{name}`` to every node of a configuration.\n\n"
        "One-way: sends at once; the future is done when the messages have been handed to the streams.\n"
        "With a configuration of ``pygorums.sync``, waits until then."
    ),
    CallType.QUORUM_CALL: (
        "Call ``{name}`` on every node of a configuration.\n\n"
        "Sends when a method of the result says how to aggregate the replies, as ``majority()`` does."
    ),
    CallType.STREAMING_QUORUM_CALL: (
        "Call ``{name}`` on every node of a configuration; each may reply any number of times.\n\n"
        "Sends when a method of the result says how to aggregate the replies, as ``correctable(n)`` does."
    ),
}
_HANDLERS: Final = {
    CallType.RPC: "Answer a call of ``{name}``.",
    CallType.UNICAST: "Handle a message of ``{name}``; there is no reply.",
    CallType.MULTICAST: "Handle a message of ``{name}``; there is no reply.",
    CallType.QUORUM_CALL: "Answer a call of ``{name}``.",
    CallType.STREAMING_QUORUM_CALL: "Answer a call of ``{name}`` by yielding any number of replies.",
}


def call_doc(comment: str, call_type: CallType, name: str, *, deprecated: bool) -> str:
    """The docstring of a client function."""
    return _with_deprecation(comment or _CALLS[call_type].format(name=name), deprecated)


def handler_doc(comment: str, call_type: CallType, name: str, *, deprecated: bool) -> str:
    """The docstring of a method of a server class."""
    return _with_deprecation(comment or _HANDLERS[call_type].format(name=name), deprecated)


def server_doc(comment: str, name: str, *, deprecated: bool) -> str:
    """The docstring of a server class."""
    return _with_deprecation(comment or f"What servers of ``{name}`` derive from.", deprecated)


def _with_deprecation(doc: str, deprecated: bool) -> str:
    return f"{doc}\n\nDeprecated." if deprecated else doc
