"""The call types, and how the options of gorums.proto choose one."""

from collections.abc import Iterable
from enum import Enum
from typing import Any, Final

from google.protobuf import descriptor_pb2

# This import is also what makes the options visible: in a request that is parsed before it they are not.
import gorums_pb2

__all__ = ["CallType", "call_type", "chosen_options", "forget_foreign_options"]


class CallType(Enum):
    """How a method is called. The name is the runtime's, the value that of the template."""

    RPC = "rpc"
    UNICAST = "unicast"
    MULTICAST = "multicast"
    QUORUM_CALL = "quorum_call"
    STREAMING_QUORUM_CALL = "streaming_quorum_call"

    @property
    def one_way(self) -> bool:
        """Whether no replies are sent."""
        return self in (CallType.UNICAST, CallType.MULTICAST)

    @property
    def aggregated(self) -> bool:
        """Whether the caller gets the replies of several nodes."""
        return self in (CallType.QUORUM_CALL, CallType.STREAMING_QUORUM_CALL)


# Any: what protoc's .pyi says of an extension, a FieldDescriptor, is not what types-protobuf asks for.
_OPTIONS: Final[dict[str, Any]] = {
    "rpc": gorums_pb2.rpc,
    "unicast": gorums_pb2.unicast,
    "multicast": gorums_pb2.multicast,
    "quorumcall": gorums_pb2.quorumcall,
}
_CALL_TYPES: Final = {
    "rpc": CallType.RPC,
    "unicast": CallType.UNICAST,
    "multicast": CallType.MULTICAST,
    "quorumcall": CallType.QUORUM_CALL,
}


def chosen_options(method: descriptor_pb2.MethodDescriptorProto) -> tuple[str, ...]:
    """The call-type options that are true; an option set to false counts as absent."""
    return tuple(name for name, option in _OPTIONS.items() if method.options.Extensions[option])


def call_type(method: descriptor_pb2.MethodDescriptorProto) -> CallType:
    """The call type of a method that the checks have let pass."""
    if method.server_streaming:
        return CallType.STREAMING_QUORUM_CALL
    return next((_CALL_TYPES[option] for option in chosen_options(method)), CallType.RPC)


def forget_foreign_options(files: Iterable[descriptor_pb2.FileDescriptorProto]) -> None:
    """Clear the call-type options when gorums.proto is not among the files.

    Its numbers are of the range that everybody may use for options of their own. protoc makes sure that
    no two files of one request declare the same number, so without gorums.proto they mean something else.
    """
    files = list(files)
    if any(file.package == "gorums" and file.extension for file in files):
        return
    for file in files:
        for service in file.service:
            for method in service.method:
                for option in _OPTIONS.values():
                    method.options.ClearExtension(option)
