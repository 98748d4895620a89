"""The call types, and how the options of gorums.proto choose one."""

from collections.abc import Iterable
from enum import Enum
from typing import Final

from google.protobuf import descriptor_pb2, empty_pb2, unknown_fields

__all__ = ["CALL_TYPES", "CallType", "MethodOptions"]


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


CALL_TYPES: Final = {
    "rpc": CallType.RPC,
    "unicast": CallType.UNICAST,
    "multicast": CallType.MULTICAST,
    "quorumcall": CallType.QUORUM_CALL,
}
"""The options that choose a call type."""


class MethodOptions:
    """The options of methods, read by the numbers that the request's own gorums.proto gives to their names.

    The names are what counts: earlier versions of Gorums had other options, and other numbers for these. The
    numbers are of the range that everybody may use for options of their own, so that they mean nothing here
    without a gorums.proto; protoc makes sure that no two files of one request declare the same number.
    """

    def __init__(self, files: Iterable[descriptor_pb2.FileDescriptorProto]) -> None:
        self._names = {
            extension.number: extension.name
            for file in files
            if file.package == "gorums"
            for extension in file.extension
            if extension.extendee == ".google.protobuf.MethodOptions"
        }

    def chosen(self, method: descriptor_pb2.MethodDescriptorProto) -> tuple[str, ...]:
        """The options of Gorums that are set, in the order of their numbers; one that is false counts as absent."""
        if not self._names or not method.HasField("options"):
            return ()
        # As a message without fields has it, an option is unknown whether its extension is registered or not.
        fields = unknown_fields.UnknownFieldSet(empty_pb2.Empty.FromString(method.options.SerializeToString()))
        # Of a field that comes twice the last one counts.
        values = {fields[index].field_number: fields[index].data for index in range(len(fields))}
        return tuple(self._names[number] for number in sorted(values.keys() & self._names) if values[number])

    def call_type(self, method: descriptor_pb2.MethodDescriptorProto) -> CallType:
        """The call type of a method that the checks have let pass."""
        if method.server_streaming:
            return CallType.STREAMING_QUORUM_CALL
        return next((CALL_TYPES[option] for option in self.chosen(method)), CallType.RPC)

    def has_call_type(self, method: descriptor_pb2.MethodDescriptorProto) -> bool:
        """Whether any call type streams as this method does; services of plain gRPC have methods that none does."""
        return not method.client_streaming and (not method.server_streaming or "quorumcall" in self.chosen(method))
