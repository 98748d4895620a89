"""Whatever a .proto is made of, the output is Python that works, or the file is refused."""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from types import ModuleType
from typing import Any
from unittest.mock import patch

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.compiler import plugin_pb2
from google.protobuf.message import Message
from hypothesis import event, given, settings
from hypothesis import strategies as st

import gorums_pb2
from protoc_gen_pygorums import naming
from protoc_gen_pygorums.__main__ import RequestError, generate
from protoc_gen_pygorums.options import parse
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
# What messages have themselves, and what hides a module in its package.
HIDING = ["DESCRIPTOR", "FromString", "Clear", "Extensions", "X_FIELD_NUMBER", "_SetListener", "__class__", "__slots__"]
message_names = names | st.sampled_from(HIDING)
path_parts = names.filter(lambda name: not re.fullmatch("__.*__|DESCRIPTOR", name)) | st.sampled_from(
    ["x", "in-dash", "dotted.name", "2fa", "sp ace", "ünï", "a.b", "class", "import"]
)
# Options and whether the response is a stream: mostly what is legal, to get past the refusals.
LEGAL = [((), False), *(((option,), False) for option in OPTIONS), ((gorums_pb2.quorumcall,), True)]
kinds = st.sampled_from(LEGAL * 3 + [((), True), ((gorums_pb2.unicast,), True), (tuple(OPTIONS[1:]), False)])
parameters = st.sampled_from(
    ["", "streaming=skip", "function_prefix=service", "function_prefix=service,streaming=skip"]
)
comments = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(['"""', "\\", '\\"', "{{"])


@st.composite
def messages(draw: st.DrawFn, depth: int = 2) -> list[descriptor_pb2.DescriptorProto]:
    found = []
    for name in draw(st.lists(message_names, min_size=1 if depth == 2 else 0, max_size=3, unique=True)):
        nested = draw(messages(depth - 1)) if depth else []
        found.append(descriptor_pb2.DescriptorProto(name=name, nested_type=nested))
    return found


@st.composite
def file_sets(draw: st.DrawFn) -> list[descriptor_pb2.FileDescriptorProto]:
    """Files whose messages are used by their own services and those of the files after them."""
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
    types: list[str] = []
    for number, file in enumerate(files):
        types += _message_names(file)
        file.dependency.append("gorums.proto")
        file.dependency.extend(other.name for other in files[:number])
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


def _imported() -> list[descriptor_pb2.FileDescriptorProto]:
    """What every file of the requests imports."""
    found = []
    for imported in (descriptor_pb2.DESCRIPTOR, gorums_pb2.DESCRIPTOR):
        found.append(descriptor_pb2.FileDescriptorProto())
        imported.CopyToProto(found[-1])
    return found


def _message_modules(
    files: list[descriptor_pb2.FileDescriptorProto], pool: descriptor_pool.DescriptorPool
) -> dict[str, ModuleType]:
    """What protoc's Python output is for these files, in a pool of its own."""
    for file in (*_imported(), *files):
        pool.Add(file)
    modules: dict[str, ModuleType] = {}
    for file in files:
        *packages, _ = (name := naming.module(file.name, "_pb2")).split(".")
        for length in range(1, len(packages) + 1):
            dotted = ".".join(packages[:length])
            modules.setdefault(dotted, ModuleType(dotted)).__path__ = []
        module = modules[name] = ModuleType(name)
        for message in file.message_type:
            vars(module)[message.name] = _class(pool, f".{file.package}.{message.name}")
    for name, module in modules.items():
        package, _, attribute = name.rpartition(".")
        if package:
            setattr(modules[package], attribute, module)
    return modules


def _class(pool: descriptor_pool.DescriptorPool, full_name: str) -> type[Message]:
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(full_name.removeprefix(".")))


def _execute(source: str, modules: Mapping[str, ModuleType], pool: descriptor_pool.DescriptorPool) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "generated"}
    with patch.dict(sys.modules, modules), patch.object(descriptor_pool, "Default", lambda: pool):
        exec(compile(source, "generated", "exec"), namespace)
    return namespace


@settings(max_examples=150, deadline=None, derandomize=True)
@given(file_sets(), parameters)
def test_output_runs_or_is_refused(files: list[descriptor_pb2.FileDescriptorProto], parameter: str) -> None:
    request = plugin_pb2.CodeGeneratorRequest(
        file_to_generate=[file.name for file in files], proto_file=[*_imported(), *files], parameter=parameter
    )
    response = generate(request)
    event("refused" if response.error else "generated")
    if response.error:
        assert not response.file
        assert all(line.startswith("folder") for line in response.error.split("\n"))
        return
    sources = {file.name: file.content for file in response.file}
    assert sources.keys() == {naming.module_path(file.name) for file in files if file.service}
    pool = descriptor_pool.DescriptorPool()
    modules = _message_modules(files, pool)
    for file in files:
        if file.service:
            _assert_whole(file, _execute(sources[naming.module_path(file.name)], modules, pool), pool, parameter)


def _assert_whole(
    file: descriptor_pb2.FileDescriptorProto,
    namespace: dict[str, Any],
    pool: descriptor_pool.DescriptorPool,
    parameter: str,
) -> None:
    chosen = parse(parameter)
    for service in file.service:
        server = namespace[naming.server_class(service.name)]
        prefix = service.name if chosen.prefix_functions else ""
        methods = [method for method in service.method if not (chosen.skip_streaming and _is_of_grpc(method))]
        assert issubclass(server, gencode.Service)
        assert len(server.__gorums_methods__) == len(methods)
        for method, (constant, handler) in zip(methods, server.__gorums_methods__, strict=True):
            assert constant is namespace[naming.constant(method.name, prefix)]
            assert constant.name == f"{file.package}.{service.name}.{method.name}"
            assert constant.request_class is _class(pool, method.input_type)
            assert constant.response_class is _class(pool, method.output_type)
            assert callable(namespace[naming.function(method.name, prefix)])
            # As the runtime does: found on an instance of a subclass under that very name.
            assert callable(getattr(type("Implementation", (server,), {}), handler))


def _is_of_grpc(method: descriptor_pb2.MethodDescriptorProto) -> bool:
    options: Any = method.options.Extensions
    return method.server_streaming and not options[gorums_pb2.quorumcall]


# What would be code, a path out of the folder or a terminal's command, if it were taken as it comes.
INJECTED = [
    *("x()", "x\ninjected()\n", 'x"); injected(); ("', "x\\", '"' * 3, "'" * 3, "#", "x y", "1x", "", ".", "..", "a.b"),
    *("{{ injected() }}", "{% raw %}", "\x1b[2J", "\r", "\x00", "\u2028", "x\u202e", "ünï", "\ufb01", "import"),
    *("../x", "/etc/x", "a/../b", "C:\\x", "a//b", "a..b", "x=1;injected()", "x,injected()", "\\N{DASH}", "%s", "{}"),
]
hostile = st.sampled_from(INJECTED) | names | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@st.composite
def hostile_requests(draw: st.DrawFn) -> plugin_pb2.CodeGeneratorRequest:
    """Requests that no protoc makes: whole ones, in which any of the names may be anything."""
    wild = st.integers(0, 9).flatmap(lambda number: hostile if number == 0 else st.sampled_from(["Name", "Other"]))
    path = draw(wild) + draw(st.sampled_from([".proto", ""]))
    package, message, inner, service = (draw(wild) for _ in range(4))
    file = descriptor_pb2.FileDescriptorProto(name=path, package=package)
    file.message_type.add(name=message).nested_type.add(name=inner)
    scopes = [[package, message], [package, message, inner], [message]]
    used = "." + ".".join(filter(None, draw(st.sampled_from(scopes))))
    methods = file.service.add(name=service).method
    for name in draw(st.lists(wild, min_size=1, max_size=2, unique=True)):
        methods.add(name=name, input_type=used, output_type=draw(st.sampled_from([used] * 9) | hostile))
    location = file.source_code_info.location.add(path=[6, 0], leading_comments=draw(hostile))
    location.span[:] = [1, 2, 3][: draw(st.integers(0, 3))]
    prefixes = wild.map("import_prefix={}".format)
    parameter = draw(st.sampled_from(["", "function_prefix=service", "streaming=skip"]) | prefixes)
    return plugin_pb2.CodeGeneratorRequest(
        file_to_generate=[path], proto_file=[*_imported(), file], parameter=parameter
    )


# All that a generated module calls.
CALLED = {
    *("_gorums.require", "_gorums.Method", "_gorums.rpc", "_importlib.import_module"),
    *(
        "_message_factory.GetMessageClass",
        "_descriptor_pool.Default",
        "_descriptor_pool.Default().FindMessageTypeByName",
    ),
}
STATEMENTS = (ast.Expr, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.ClassDef)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(hostile_requests())
def test_no_name_of_a_request_becomes_code(request: plugin_pb2.CodeGeneratorRequest) -> None:
    try:
        response = generate(request)
    except RequestError as error:
        event("not whole")
        response = plugin_pb2.CodeGeneratorResponse(error="\n".join((str(error), *error.refused)))
    event("refused" if response.error else "generated")
    assert all(map(str.isprintable, response.error.split("\n")))
    for file in response.file:
        assert not response.error
        path = PurePosixPath(file.name)
        assert not path.is_absolute()
        assert ".." not in path.parts
        compile(file.content, "generated", "exec")
        tree = ast.parse(file.content)
        assert all(isinstance(statement, STATEMENTS) for statement in tree.body)
        calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert calls <= CALLED
