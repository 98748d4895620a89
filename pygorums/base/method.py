"""What the runtime knows of a method of a .proto."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from google.protobuf.message import Message

from pygorums.wire.framing import method_field

__all__ = ["CallType", "Method"]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


class CallType(enum.Enum):
    """How a method is called, as its options in the .proto say."""

    RPC = "rpc"
    """To one node, which replies once."""
    UNICAST = "unicast"
    """To one node, no reply."""
    MULTICAST = "multicast"
    """To all nodes of a configuration, no replies."""
    QUORUM_CALL = "quorum call"
    """To all nodes of a configuration; each replies once."""
    STREAMING_QUORUM_CALL = "streaming quorum call"
    """To all nodes of a configuration; each replies any number of times."""

    @property
    def phrase(self) -> str:
        """The name with its article, as in a sentence: ``an rpc``, ``a multicast``."""
        return f"{'an' if self is CallType.RPC else 'a'} {self.value}"


@dataclass(frozen=True, slots=True, eq=False)
class Method(Generic[Req, Resp]):
    """One method of a service. Generated modules hold one for each rpc; methods compare by identity.

    Attributes:
        name: The full name with dots, as it goes over the wire: ``proto.Storage.ReadQC``.
        call_type: How it is called.
        request_class: The message class of requests.
        response_class: The message class of replies (unused by one-way calls).
    """

    name: str
    call_type: CallType
    request_class: type[Req]
    response_class: type[Resp]
    one_way: bool = field(init=False, repr=False)
    """Whether nodes never reply."""
    streaming: bool = field(init=False, repr=False)
    """Whether a node may reply more than once."""
    encoded_name: bytes = field(init=False, repr=False)
    """The name as a field of a message, encoded once for all calls."""
    parse_request: Callable[[bytes], Req] = field(init=False, repr=False)
    """From bytes to a request. Raises `DecodeError`."""
    parse_reply: Callable[[bytes], Resp] = field(init=False, repr=False)
    """From bytes to a reply. Raises `DecodeError`."""

    def __post_init__(self) -> None:
        one_way = self.call_type in (CallType.UNICAST, CallType.MULTICAST)
        object.__setattr__(self, "one_way", one_way)
        object.__setattr__(self, "streaming", self.call_type is CallType.STREAMING_QUORUM_CALL)
        object.__setattr__(self, "encoded_name", method_field(self.name))
        object.__setattr__(self, "parse_request", self.request_class.FromString)
        object.__setattr__(self, "parse_reply", self.response_class.FromString)

    def __str__(self) -> str:
        return self.name
