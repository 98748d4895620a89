"""What the runtime knows of a method of a .proto."""

from __future__ import annotations

import enum
import importlib
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Generic, Self, TypeVar

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


@dataclass(frozen=True, eq=False)  # with slots, Python before 3.13 cannot make a Method[Request, Response](…)
class Method(Generic[Req, Resp]):
    """One method of a service. Generated modules hold one for each rpc; methods compare by identity.

    They keep it: copies are the same object, and what is unpickled is the constant of the module that it was made in.

    Attributes:
        name: The full name with dots, as it goes over the wire: ``proto.Storage.ReadQC``.
        call_type: How it is called.
        request_class: The message class of requests.
        response_class: The message class of replies (unused by one-way calls).
        idempotent: Whether the .proto says that a request may be handled again, or late, without harm: its
            ``idempotency_level`` is ``NO_SIDE_EFFECTS`` or ``IDEMPOTENT``.
    """

    name: str
    call_type: CallType
    request_class: type[Req]
    response_class: type[Resp]
    idempotent: bool = False
    one_way: bool = field(init=False, repr=False)
    """Whether nodes never reply."""
    streaming: bool = field(init=False, repr=False)
    """Whether a node may reply more than once."""
    encoded_name: bytes = field(init=False, repr=False)
    """The name as a field of a message, encoded once for all calls."""
    module: str = field(init=False, repr=False)
    """The module that it was made in."""
    parse_request: Callable[[bytes], Req] = field(init=False, repr=False)
    """From bytes to a request. Raises `DecodeError`."""
    parse_reply: Callable[[bytes], Resp] = field(init=False, repr=False)
    """From bytes to a reply. Raises `DecodeError`."""

    def __post_init__(self) -> None:
        one_way = self.call_type in (CallType.UNICAST, CallType.MULTICAST)
        object.__setattr__(self, "one_way", one_way)
        object.__setattr__(self, "streaming", self.call_type is CallType.STREAMING_QUORUM_CALL)
        object.__setattr__(self, "encoded_name", method_field(self.name))
        object.__setattr__(self, "module", _maker(sys._getframe(1)))
        object.__setattr__(self, "parse_request", self.request_class.FromString)
        object.__setattr__(self, "parse_reply", self.response_class.FromString)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        for name, value in vars(sys.modules.get(self.module, object)).items():
            if value is self:
                return _constant, (self.module, name)
        raise pickle.PicklingError(
            f"{self.name} cannot be pickled: it is no constant of {self.module}, as methods of generated modules are"
        )

    def __str__(self) -> str:
        return self.name


def _constant(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def _maker(frame: FrameType | None) -> str:
    """The module of the innermost frame that is neither ours nor that of `Method[Request, Response](…)`."""
    while frame is not None and frame.f_globals.get("__name__") in (__name__, "typing"):
        frame = frame.f_back
    return "" if frame is None else str(frame.f_globals.get("__name__", ""))
