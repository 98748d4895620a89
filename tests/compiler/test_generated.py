"""What the generated modules of the corpus are and do."""

import ast
import importlib
import inspect
import keyword
import re
import warnings
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any, get_overloads, get_type_hints

import pytest
from google.protobuf import descriptor, descriptor_pb2, message_factory

import gorums_pb2
from protoc_gen_pygorums import GENCODE_LEVEL, VERSION, naming
from pygorums import gencode
from tests.compiler.support import CORPUS, ROOT

GENERATED = sorted(path.relative_to(ROOT).as_posix() for path in CORPUS.rglob("*_gorums.py"))


def _module(path: str) -> ModuleType:
    # By name, because import statements cannot spell all of them.
    return importlib.import_module(path.removesuffix(".py").replace("/", "."))


def _services(path: str) -> list[descriptor.ServiceDescriptor]:
    file: descriptor.FileDescriptor = _module(path.replace("_gorums.py", "_pb2.py")).DESCRIPTOR
    return list(file.services_by_name.values())


def _methods(path: str) -> Iterator[descriptor.MethodDescriptor]:
    for service in _services(path):
        yield from service.methods


def _call_type(method: descriptor.MethodDescriptor) -> gencode.CallType:
    proto = descriptor_pb2.MethodDescriptorProto()
    method.CopyToProto(proto)
    options: Any = proto.options.Extensions
    if proto.server_streaming:
        return gencode.CallType.STREAMING_QUORUM_CALL
    if options[gorums_pb2.quorumcall]:
        return gencode.CallType.QUORUM_CALL
    if options[gorums_pb2.multicast]:
        return gencode.CallType.MULTICAST
    return gencode.CallType.UNICAST if options[gorums_pb2.unicast] else gencode.CallType.RPC


@pytest.mark.parametrize("path", GENERATED)
def test_every_method_has_its_constant(path: str) -> None:
    module = _module(path)
    for method in _methods(path):
        constant = getattr(module, naming.constant(method.name))
        assert isinstance(constant, gencode.Method)
        assert constant.name == method.full_name
        assert constant.call_type is _call_type(method)
        assert constant.request_class is message_factory.GetMessageClass(method.input_type)
        assert constant.response_class is message_factory.GetMessageClass(method.output_type)


@pytest.mark.parametrize("path", GENERATED)
def test_every_service_has_its_server_class(path: str) -> None:
    module = _module(path)
    for service in _services(path):
        server = getattr(module, naming.server_class(service.name))
        functions = [naming.function(method.name) for method in service.methods]
        constants = [getattr(module, naming.constant(method.name)) for method in service.methods]
        assert issubclass(server, gencode.Service)
        assert server.__gorums_methods__ == tuple(zip(constants, functions, strict=True))
        assert server.__abstractmethods__ == set(functions)
        for function in functions:
            assert list(inspect.signature(getattr(server, function)).parameters) == ["self", "ctx", "request"]


@pytest.mark.parametrize("path", GENERATED)
def test_every_function_hands_on_what_it_is_given(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = _module(path)
    calls = []

    def recorder(name: str) -> Any:
        return lambda *arguments, **named: calls.append((name, arguments, named))

    names = ("rpc", "unicast", "multicast", "quorum_call")
    monkeypatch.setattr(module, "_gorums", SimpleNamespace(**{name: recorder(name) for name in names}))
    for method in _methods(path):
        function = getattr(module, naming.function(method.name))
        constant = getattr(module, naming.constant(method.name))
        runtime = constant.call_type.name.lower().removeprefix("streaming_")
        one_way = {"ignore_errors": False} if runtime in ("unicast", "multicast") else {}
        given = {"timeout": 1.5, "metadata": {"a": "b"}, "interceptors": [object()]} | dict.fromkeys(one_way, True)
        calls.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            function("target", "request")
            function("target", "request", **given)
        defaults = {"timeout": None, "metadata": None, "interceptors": (), **one_way}
        assert calls == [
            (runtime, (constant, "target", "request"), defaults),
            (runtime, (constant, "target", "request"), given),
        ]
        target, *_ = inspect.signature(function).parameters
        assert target == ("node" if runtime in ("rpc", "unicast") else "config")


_WORLDS = {
    "rpc": ("Node", "_asyncio.Future[{}]", "SyncNode", "{}"),
    "unicast": ("Node", "_asyncio.Future[None]", "SyncNode", "None"),
    "multicast": ("Configuration", "_asyncio.Future[None]", "SyncConfiguration", "None"),
    "quorum_call": ("Configuration", "_gorums.Responses[{}]", "SyncConfiguration", "_gorums.SyncResponses[{}]"),
}


@pytest.mark.parametrize("path", GENERATED)
def test_every_function_has_an_overload_for_each_world(path: str) -> None:
    module = _module(path)
    for method in _methods(path):
        function = getattr(module, naming.function(method.name))
        request, response = re.findall(r"Method\[(.+), (.+)\]", module.__annotations__[naming.constant(method.name)])[0]
        runtime = _call_type(method).name.lower().removeprefix("streaming_")
        target, result, blocking_target, blocking_result = (each.format(response) for each in _WORLDS[runtime])
        expected = [
            (f"_gorums.{target}", f"_gorums.Interceptors[{request}, {response}]", result),
            (f"_gorums.{blocking_target}", f"_gorums.SyncInterceptors[{request}, {response}]", blocking_result),
            (
                f"_gorums.{target} | _gorums.{blocking_target}",
                "_collections_abc.Sequence[_typing.Any]",
                f"{result} | {blocking_result}",
            ),
        ]
        signatures = [inspect.signature(each) for each in (*get_overloads(function), function)]
        assert [
            (
                next(iter(each.parameters.values())).annotation,
                each.parameters["interceptors"].annotation,
                each.return_annotation,
            )
            for each in signatures
        ] == expected
        takes = [[(p.name, p.kind, p.default) for p in each.parameters.values()] for each in signatures]
        assert takes == [takes[-1]] * 3
        assert {each.parameters["request"].annotation for each in signatures} == {request}
        # Every annotation means something at run time too.
        get_type_hints(function)
        for overload in get_overloads(function):
            get_type_hints(overload)


@pytest.mark.parametrize("path", GENERATED)
def test_a_module_has_the_names_of_its_proto_and_private_ones(path: str) -> None:
    methods = [method.name for method in _methods(path)]
    expected = {
        *map(naming.function, methods),
        *map(naming.constant, methods),
        *(naming.server_class(service.name) for service in _services(path)),
    }
    names = {name for name in vars(_module(path)) if not re.fullmatch("__.*__", name)}
    assert expected <= names
    assert all(re.fullmatch("_[a-z].*", name) for name in names - expected)
    assert not any(keyword.iskeyword(name) for name in names)


@pytest.mark.parametrize("path", GENERATED)
def test_a_module_imports_nothing_that_it_does_not_use(path: str) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = {alias.asname or alias.name for node in imports for alias in node.names} - {"_annotations"}
    unused = imported - {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    # A module whose messages are found in the pool is imported to put them there.
    in_pool = {name for name in imported if name.endswith("_pb2")} if "_descriptor_pool" in imported else set()
    assert unused <= in_pool


@pytest.mark.parametrize("path", GENERATED)
def test_a_module_says_where_it_comes_from(path: str) -> None:
    source: str = _module(path.replace("_gorums.py", "_pb2.py")).DESCRIPTOR.name
    version = next(
        iter(
            re.findall(
                r"^# Generated by protoc-gen-pygorums (\S+); do not edit\.$",
                (ROOT / path).read_text(encoding="utf-8"),
                flags=re.MULTILINE,
            )
        )
    )
    assert f'# source: "{source}"\n' in (ROOT / path).read_text(encoding="utf-8")
    assert version == VERSION


def test_a_module_asks_the_runtime_whether_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    module = _module("tests/compiler/corpus/only_rpc_gorums.py")
    asked = []
    monkeypatch.setattr(gencode, "require", lambda *given, **named: asked.append((given, named)))
    importlib.reload(module)
    source = "tests/compiler/corpus/only_rpc.proto"
    assert asked == [((GENCODE_LEVEL,), {"plugin": VERSION, "source": source})]


@pytest.mark.parametrize("function", ["call", "tell", "tell_all", "ask", "follow"])
def test_a_deprecated_method_warns_its_caller(function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = _module("tests/compiler/corpus/deprecated_methods_gorums.py")
    monkeypatch.setattr(
        module, "_gorums", SimpleNamespace(rpc=_ignore, unicast=_ignore, multicast=_ignore, quorum_call=_ignore)
    )
    method = "".join(word.capitalize() for word in function.split("_"))
    message = f"^corpus\\.deprecated_methods\\.Deprecated\\.{method} is deprecated$"
    with pytest.warns(DeprecationWarning, match=message) as warned:
        getattr(module, function)("target", "request")
    assert [warning.filename for warning in warned] == [__file__]
    for documented in (getattr(module, function), getattr(module.DeprecatedServer, function)):
        assert (inspect.getdoc(documented) or "").endswith("\n\nDeprecated.")
    module.current("target", "request")


def _ignore(*arguments: object, **named: object) -> None: ...


@pytest.mark.parametrize(
    ("path", "deprecated", "current"),
    [
        ("deprecated_service", ["get"], ["put"]),
        ("deprecated_file", ["get"], []),
        ("deprecated_methods", ["call", "tell", "tell_all", "ask", "follow"], ["current"]),
    ],
)
def test_deprecation_reaches_what_it_should(path: str, deprecated: list[str], current: list[str]) -> None:
    module = _module(f"tests/compiler/corpus/{path}_gorums.py")
    docs = {name: inspect.getdoc(getattr(module, name)) or "" for name in deprecated + current}
    assert [name for name, doc in docs.items() if doc.endswith("\n\nDeprecated.")] == deprecated


@pytest.mark.parametrize(
    ("function", "doc"),
    [
        ("one_line", "One line."),
        ("several", "The last block counts."),
        ("block", "A block\nwith stars\n  and an indentation."),
        ("bare_block", "A block without stars.\n\nWith a paragraph."),
        ("behind", "Behind the declaration."),
        ("quote_at_end", 'Ends with a "quote"'),
        ("only_quotes", '"""'),
        ("more_quotes", '"""" and \'\'\'\' and """""'),
        ("backslashes", r"Backslashes: \n \x41 \N{DASH} \u00zz \" and at the end " + "\\"),
        ("backslash_quote", 'A backslash before a quote \\"'),
        (
            "unicode",
            "Smörgåsbord, 日本語, 🦀, a hidden \u202eright-to-left mark\u202c and a no-break\u00a0space.",
        ),
        ("tab", "A       tab."),
        ("template", "{{ method.doc }} {% raw %} {# not for Jinja #} %s {0}"),
        (
            "blank",
            "Call ``corpus.comments.Comments.Blank`` on a node.\n\n"
            "Sends at once; the future has the node's reply.\n"
            "With a node of ``pygorums.sync``, waits and returns the reply.",
        ),
        ("one_way", "A unicast's."),
        ("to_all", "A multicast's."),
        ("quorum", "A quorum call's."),
        ("stream", "A streaming quorum call's."),
    ],
)
def test_a_comment_is_the_docstring(function: str, doc: str) -> None:
    module = _module("tests/compiler/corpus/comments_gorums.py")
    assert inspect.getdoc(getattr(module, function)) == doc
    if function != "blank":
        assert inspect.getdoc(getattr(module.CommentsServer, function)) == doc


def test_the_comment_of_a_service_is_its_servers() -> None:
    module = _module("tests/compiler/corpus/comments_gorums.py")
    assert inspect.getdoc(module.CommentsServer) == (
        'The service\'s own comment.\n\n  indented more\n\n"quoted at the end"'
    )
