"""What is refused, and the words in which it is."""

from collections.abc import Iterable, Iterator

from google.protobuf import descriptor_pb2

from protoc_gen_pygorums import naming
from protoc_gen_pygorums.call_types import chosen_options
from protoc_gen_pygorums.source_info import SourceInfo

__all__ = ["problems"]


def problems(files: Iterable[descriptor_pb2.FileDescriptorProto]) -> list[str]:
    """Everything in these files that cannot be generated, one line each, in their order."""
    found: list[str] = []
    sources: dict[str, str] = {}
    for file in files:
        path = naming.module_path(file.name)
        if path in sources:
            found.append(f"{file.name}: its module {path} is that of {sources[path]} too; rename one of the two")
        sources.setdefault(path, file.name)
        found += _file_problems(file)
    return found


def _file_problems(file: descriptor_pb2.FileDescriptorProto) -> Iterator[str]:
    source = SourceInfo(file)
    owners: dict[str, str] = {}
    for service_index, service in enumerate(file.service):
        for method_index, method in enumerate(service.method):
            full_name = f"{service.name}.{method.name}"
            where = f"{source.position(service_index, method_index)}: method {full_name}"
            for problem in _method_problems(method):
                yield f"{where} {problem}"
            function = naming.function(method.name)
            if function in owners:
                yield f"{where} becomes {function} in Python, as {owners[function]} does; rename one of them"
            owners.setdefault(function, full_name)


def _method_problems(method: descriptor_pb2.MethodDescriptorProto) -> Iterator[str]:
    chosen = chosen_options(method)
    if len(chosen) > 1:
        names = " and ".join(f"gorums.{name}" for name in chosen)
        yield f"has more than one call type, {names}; keep one of the options"
    if method.client_streaming:
        yield "has a streaming request, which no call type has; remove 'stream' from its request"
    if method.server_streaming and "quorumcall" not in chosen:
        yield (
            "has a streaming response, which only a quorum call can have; "
            "add 'option (gorums.quorumcall) = true;', or remove 'stream' from its response"
        )
    if naming.function(method.name) == naming.constant(method.name):
        yield "has no letter in its name, so there is no Python name for it; rename it"
