"""Whatever a .proto is made of, the output is Python that works, or the file is refused."""

import re
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any
from unittest.mock import patch

from google.protobuf import descriptor_pb2
from google.protobuf.compiler import plugin_pb2
from hypothesis import event, given, settings
from hypothesis import strategies as st

import gorums_pb2
from protoc_gen_pygorums import naming
from protoc_gen_pygorums.__main__ import generate
from pygorums import gencode

# What could be mistaken for a name of the generated module, of the runtime or of Python.
HOSTILE = [
    *("_", "__", "_1", "_2FA", "__init__", "__class__", "__gorums_methods__", "__Mangled", "__debug__", "_Abc"),
    *("_gorums", "_abc", "_asyncio", "_builtins", "_typing", "_Gorums", "_x_pb2", "_XPb2", "self", "Self", "ctx"),
    *("class", "Class", "None", "True", "import", "Import", "async", "await", "match", "type", "lambda", "Lambda"),
    *("int", "str", "bool", "Bool", "tuple", "object", "property", "super", "print", "getattr", "Exception"),
    *("Node", "node", "Configuration", "config", "request", "Request", "Service", "Server", "Method", "CallType"),
    *("XServer", "Future", "Any", "Awaitable", "READ", "Read", "read", "ReadQC", "read_qc", "READ_QC", "readQc"),
    *("register", "mro", "gorums", "pygorums", "google", "timeout", "metadata", "interceptors", "ignore_errors"),
]
names = st.sampled_from(HOSTILE) | st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True).filter(str.isascii)
OPTIONS = [gorums_pb2.rpc, gorums_pb2.unicast, gorums_pb2.multicast, gorums_pb2.quorumcall]
FULL_NAMES: dict[type, str] = {}
# Python, or protobuf, has attributes of these names that hide a module or a message in the classes of protobuf itself.
visible_names = names.filter(lambda name: not re.fullmatch("__.*__|DESCRIPTOR", name))
path_parts = visible_names | st.sampled_from(
    ["x", "in-dash", "dotted.name", "2fa", "sp ace", "ünï", "a.b", "class", "import"]
)
# Options and whether the response is a stream: mostly what is legal, to get past the refusals.
LEGAL = [((), False), *(((option,), False) for option in OPTIONS), ((gorums_pb2.quorumcall,), True)]
kinds = st.sampled_from(LEGAL * 3 + [((), True), ((gorums_pb2.unicast,), True), (tuple(OPTIONS[1:]), False)])
comments = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(['"""', "\\", '\\"', "{{"])


@st.composite
def messages(draw: st.DrawFn, depth: int = 2) -> list[descriptor_pb2.DescriptorProto]:
    found = []
    for name in draw(st.lists(visible_names, min_size=1 if depth == 2 else 0, max_size=3, unique=True)):
        nested = draw(messages(depth - 1)) if depth else []
        found.append(descriptor_pb2.DescriptorProto(name=name, nested_type=nested))
    return found


@st.composite
def file_sets(draw: st.DrawFn) -> list[descriptor_pb2.FileDescriptorProto]:
    """Files whose messages are used by the services of all of them."""
    paths = draw(st.lists(st.lists(path_parts, min_size=1, max_size=2), min_size=1, max_size=3))
    # Below folders of their own, so that no real module is in the way and no two modules are the same.
    files = [
        descriptor_pb2.FileDescriptorProto(
            name=f"folder{number}/{'/'.join(path)}.proto",
            package=draw(st.sampled_from(["", "package", "two.parts"])) + f"number{number}",
            syntax="proto3",
            message_type=draw(messages()),
            options=descriptor_pb2.FileOptions(deprecated=draw(st.booleans())),
        )
        for number, path in enumerate(paths)
    ]
    types = [full_name for file in files for full_name in _message_names(file)]
    for file in files:
        file.dependency.extend(other.name for other in files if other is not file)
        taken = {message.name for message in file.message_type}
        drawn = draw(st.lists(names, max_size=2, unique=True))
        for name in (each for each in drawn if each not in taken):
            service = file.service.add(name=name)
            for method_name in draw(st.lists(names, max_size=4, unique=True)):
                chosen, streaming = draw(kinds)
                method = service.method.add(
                    name=method_name,
                    input_type=draw(st.sampled_from(types)),
                    output_type=draw(st.sampled_from(types)),
                    server_streaming=streaming,
                )
                method.options.deprecated = draw(st.booleans())
                options: Any = method.options.Extensions
                for option in chosen:
                    options[option] = True
                file.source_code_info.location.add(
                    path=[6, len(file.service) - 1, 2, len(service.method) - 1],
                    span=[1, 2, 3],
                    leading_comments=draw(comments),
                )
    return files


def _message_names(file: descriptor_pb2.FileDescriptorProto) -> Iterator[str]:
    def walk(scope: str, found: Any) -> Iterator[str]:
        for message in found:
            yield f"{scope}.{message.name}"
            yield from walk(f"{scope}.{message.name}", message.nested_type)

    return walk(f".{file.package}", file.message_type)


def _classes(scope: str, found: Any) -> dict[str, type]:
    """Stand-ins for the classes that protoc's Python output would have."""
    classes = {}
    for message in found:
        full_name = f"{scope}.{message.name}"
        classes[message.name] = type(message.name, (), {"FromString": bytes})
        for name, nested in _classes(full_name, message.nested_type).items():
            setattr(classes[message.name], name, nested)
        FULL_NAMES[classes[message.name]] = full_name
    return classes


def _message_modules(files: list[descriptor_pb2.FileDescriptorProto]) -> dict[str, ModuleType]:
    modules: dict[str, ModuleType] = {}
    for file in files:
        *packages, _ = (name := naming.module(file.name, "_pb2")).split(".")
        for length in range(1, len(packages) + 1):
            dotted = ".".join(packages[:length])
            modules.setdefault(dotted, ModuleType(dotted)).__path__ = []
        module = modules[name] = ModuleType(name)
        for attribute, message in _classes(f".{file.package}", file.message_type).items():
            setattr(module, attribute, message)
    for name, module in modules.items():
        package, _, attribute = name.rpartition(".")
        if package:
            setattr(modules[package], attribute, module)
    return modules


def _execute(source: str, modules: Mapping[str, ModuleType]) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "generated"}
    with patch.dict(sys.modules, modules):
        exec(compile(source, "generated", "exec"), namespace)
    return namespace


@settings(max_examples=150, deadline=None, derandomize=True)
@given(file_sets())
def test_output_runs_or_is_refused(files: list[descriptor_pb2.FileDescriptorProto]) -> None:
    request = plugin_pb2.CodeGeneratorRequest(file_to_generate=[file.name for file in files], proto_file=files)
    response = generate(request)
    event("refused" if response.error else "generated")
    if response.error:
        assert not response.file
        assert all(line.startswith("folder") for line in response.error.split("\n"))
        return
    sources = {file.name: file.content for file in response.file}
    assert sources.keys() == {naming.module_path(file.name) for file in files if file.service}
    modules = _message_modules(files)
    for file in files:
        if file.service:
            _assert_whole(file, _execute(sources[naming.module_path(file.name)], modules))


def _assert_whole(file: descriptor_pb2.FileDescriptorProto, namespace: dict[str, Any]) -> None:
    for service in file.service:
        server = namespace[naming.server_class(service.name)]
        assert issubclass(server, gencode.Service)
        assert len(server.__gorums_methods__) == len(service.method)
        for method, (constant, function) in zip(service.method, server.__gorums_methods__, strict=True):
            assert constant is namespace[naming.constant(method.name)]
            assert constant.name == f"{file.package}.{service.name}.{method.name}"
            assert FULL_NAMES[constant.request_class] == method.input_type
            assert FULL_NAMES[constant.response_class] == method.output_type
            assert callable(namespace[function])
            # As the runtime does: found on an instance of a subclass under that very name.
            assert callable(getattr(type("Implementation", (server,), {}), function))
