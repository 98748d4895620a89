"""What is refused, and the words in which it is."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from google.protobuf import descriptor_pb2

from protoc_gen_pygorums import naming
from protoc_gen_pygorums.call_types import CALL_TYPES, MethodOptions
from protoc_gen_pygorums.identifiers import names_problems, path_problem
from protoc_gen_pygorums.options import Options
from protoc_gen_pygorums.source_info import SourceInfo

__all__ = ["LINES_A_FILE", "OF_EARLIER_VERSIONS", "problems"]

LINES_A_FILE: Final = 20
"""How many problems of one file are told; the rest is counted."""

OF_EARLIER_VERSIONS: Final = {
    "qc": "write 'option (gorums.quorumcall) = true;'",
    "correctable": "write 'option (gorums.quorumcall) = true;' and call it with .correctable(n)",
    "correctable_pr": "write 'option (gorums.quorumcall) = true;' and 'returns (stream …)', "
    "and call it with .correctable(n)",
    "correctable_stream": "write 'option (gorums.quorumcall) = true;' and 'returns (stream …)', "
    "and call it with .correctable(n)",
    "async": "write 'option (gorums.quorumcall) = true;' and call it with .async_majority() or the like",
    "qc_future": "write 'option (gorums.quorumcall) = true;' and call it with .async_majority() or the like",
    "per_node_arg": "remove it, and give the call interceptors=[gorums.map_request(…)]",
    "custom_return_type": "remove it, and let a function of Python make of the replies what it returns",
    "qf_with_req": "remove it, and hand the request to the function that aggregates the replies",
    "ordered": "remove it; messages to a node always keep their order",
}
"""The options that earlier versions of Gorums had beside the call types of today, with what is written now."""


def problems(
    files: Iterable[descriptor_pb2.FileDescriptorProto],
    wanted: Sequence[descriptor_pb2.FileDescriptorProto],
    method_options: MethodOptions,
    chosen: Options,
) -> list[str]:
    """Everything in the wanted ones of these files that cannot be generated, one line each, in their order."""
    names = {file.name for file in wanted}
    found = [line for file in files if file.name not in names for line in path_problem(file)]
    sources: dict[str, str] = {}
    for file in wanted:
        lines = [*path_problem(file), *names_problems(file)]
        # Names that are none would only be repeated by the checks that go by them.
        if not lines:
            path = naming.module_path(file.name)
            if path in sources:
                lines.append(f"{file.name}: its module {path} is that of {sources[path]} too; rename one of the two")
            sources.setdefault(path, file.name)
            lines += _Checks(file, method_options, chosen).problems()
        found += lines[:LINES_A_FILE]
        if len(lines) > LINES_A_FILE:
            found.append(f"{naming.shown(file.name)}: and {len(lines) - LINES_A_FILE} more")
    return found


class _Checks:
    """The checks of one file's services and methods."""

    def __init__(
        self, file: descriptor_pb2.FileDescriptorProto, method_options: MethodOptions, chosen: Options
    ) -> None:
        self._file = file
        self._options = method_options
        self._chosen = chosen
        self._source = SourceInfo(file)

    def problems(self) -> Iterator[str]:
        functions: dict[str, str] = {}
        for service_index, service in enumerate(self._file.service):
            handlers: dict[str, str] = {}
            for method_index, method in enumerate(service.method):
                full_name = f"{service.name}.{method.name}"
                where = f"{self._source.position(service_index, method_index)}: method {full_name}"
                found = list(self._of_options(method))
                if not self._chosen.skip_streaming or self._options.has_call_type(method):
                    found += self._of_call_type(method)
                    found += self._of_names(service.name, method.name, functions, handlers)
                for problem in found:
                    yield f"{where} {problem}"

    def _of_options(self, method: descriptor_pb2.MethodDescriptorProto) -> Iterator[str]:
        for name in self._options.chosen(method):
            if name in CALL_TYPES:
                continue
            if name in OF_EARLIER_VERSIONS:
                yield f"has the option gorums.{name} of an earlier Gorums; {OF_EARLIER_VERSIONS[name]}"
            else:
                yield (
                    f"has the option gorums.{naming.shown(name)}, which means nothing here; remove it "
                    "('python -m pygorums.include' prints where the gorums.proto is that has those which do)"
                )

    def _of_call_type(self, method: descriptor_pb2.MethodDescriptorProto) -> Iterator[str]:
        chosen = self._options.chosen(method)
        call_types = [name for name in chosen if name in CALL_TYPES]
        skip = "" if chosen else ", or skip it with --pygorums_opt=streaming=skip"
        if len(call_types) > 1:
            names = " and ".join(f"gorums.{name}" for name in call_types)
            yield f"has more than one call type, {names}; keep one of the options"
        if method.client_streaming:
            yield f"has a streaming request, which no call type has; remove 'stream' from its request{skip}"
        if method.server_streaming and "quorumcall" not in chosen:
            yield (
                "has a streaming response, which only a quorum call can have; "
                f"add 'option (gorums.quorumcall) = true;', or remove 'stream' from its response{skip}"
            )

    def _of_names(
        self, service: str, method: str, functions: dict[str, str], handlers: dict[str, str]
    ) -> Iterator[str]:
        """Of the names that it gets in Python; it takes them from the methods behind it."""
        full_name = f"{service}.{method}"
        handler = naming.function(method)
        if handler == naming.constant(method):
            yield "has no letter in its name, so there is no Python name for it; rename it"
        function = naming.function(method, service if self._chosen.prefix_functions else "")
        if handler in handlers:
            yield f"becomes {handler} in Python, as {handlers[handler]} does; rename one of them"
        elif function in functions:
            prefix = "" if self._chosen.prefix_functions else ", or give --pygorums_opt=function_prefix=service"
            yield f"becomes {function} in Python, as {functions[function]} does; rename one of them{prefix}"
        handlers.setdefault(handler, full_name)
        functions.setdefault(function, full_name)
