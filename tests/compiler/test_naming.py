"""From names of a .proto to names of Python."""

import keyword
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protoc_gen_pygorums import naming


@pytest.mark.parametrize(
    ("method", "function"),
    [
        ("ReadQC", "read_qc"),
        ("WriteNestedMulticast", "write_nested_multicast"),
        ("GetHTTPCode2", "get_http_code2"),
        ("ReadRPC", "read_rpc"),
        ("HTTPServer", "http_server"),
        ("URL", "url"),
        ("A", "a"),
        ("AB", "ab"),
        ("ABc", "a_bc"),
        ("IPv4", "i_pv4"),
        ("V2", "v2"),
        ("V2Ray", "v2_ray"),
        ("Prepare2PC", "prepare2_pc"),
        ("Get2", "get2"),
        ("snake_case", "snake_case"),
        ("camelCase", "camel_case"),
        ("Mixed_Case", "mixed_case"),
        ("SHOUTING_CASE", "shouting_case"),
        ("Double__Underscore", "double__underscore"),
        ("Trailing_", "trailing_"),
        ("_Private", "private"),
        ("__Init__", "init__"),
        ("_2PC", "_2_pc"),
        ("Import", "import_"),
        ("_Import", "import_"),
        ("None", "none"),
        ("Await", "await_"),
        ("Match", "match"),
        ("Type", "type"),
        ("Print", "print"),
        ("Self", "self"),
    ],
)
def test_a_function_is_named_after_its_method(method: str, function: str) -> None:
    assert naming.function(method) == function
    assert naming.constant(method) == function.upper()


@pytest.mark.parametrize(
    ("service", "method", "function"),
    [
        ("Storage", "ReadQC", "storage_read_qc"),
        ("KVStore", "Get", "kv_store_get"),
        ("Storage", "Import", "storage_import"),
        ("Storage", "_2PC", "storage_2_pc"),
        ("Storage", "_Hidden", "storage_hidden"),
        ("_2PC", "Prepare", "_2_pc_prepare"),
        ("snake_case", "read_qc", "snake_case_read_qc"),
    ],
)
def test_a_prefixed_function_is_named_after_its_service_too(service: str, method: str, function: str) -> None:
    assert naming.function(method, service) == function
    assert naming.constant(method, service) == function.upper()


@pytest.mark.parametrize("word", keyword.kwlist)
def test_every_keyword_gets_a_trailing_underscore(word: str) -> None:
    assert naming.function(word.capitalize()) == (word if word in ("False", "None", "True") else f"{word}_").lower()


@given(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True, alphabet=string.ascii_letters + string.digits + "_"))
def test_names_are_names_and_never_those_of_something_else(method: str) -> None:
    function, constant = naming.function(method), naming.constant(method)
    assert function.isidentifier()
    assert not keyword.iskeyword(function)
    # Not an alias of a module, and not mangled in a class body.
    assert not (function.startswith("_") and function[1:2].isalpha())
    assert not function.startswith("__") or function.endswith("__")
    assert not keyword.iskeyword(constant)
    assert (function == constant) == (not any(map(str.isalpha, method)))
    assert naming.function(function) == function


@pytest.mark.parametrize(
    ("proto", "module", "path"),
    [
        ("storage.proto", "storage_pb2", "storage_gorums.py"),
        ("a/b/storage.proto", "a.b.storage_pb2", "a/b/storage_gorums.py"),
        ("a-b/with-dash.proto", "a_b.with_dash_pb2", "a_b/with_dash_gorums.py"),
        ("my.pkg/x.y.proto", "my.pkg.x.y_pb2", "my/pkg/x/y_gorums.py"),
        ("old.protodevel", "old_pb2", "old_gorums.py"),
        ("no_suffix", "no_suffix_pb2", "no_suffix_gorums.py"),
        ("class/import.proto", "class.import_pb2", "class/import_gorums.py"),
        ("x.proto.proto", "x.proto_pb2", "x/proto_gorums.py"),
    ],
)
def test_a_module_is_named_by_protocs_rule(proto: str, module: str, path: str) -> None:
    assert naming.module(proto, "_pb2") == module
    assert naming.module_path(proto) == path


@pytest.mark.parametrize(
    ("proto", "module"),
    [
        ("storage.proto", "my.generated.storage_pb2"),
        ("a/b.proto", "my.generated.a.b_pb2"),
        ("google/protobuf/empty.proto", "google.protobuf.empty_pb2"),
        ("google/rpc/status.proto", "google.rpc.status_pb2"),
        ("googly/eyes.proto", "my.generated.googly.eyes_pb2"),
    ],
)
def test_a_prefix_is_for_all_but_googles_modules(proto: str, module: str) -> None:
    assert naming.module(proto, "_pb2", "my.generated") == module


@pytest.mark.parametrize(
    ("module", "taken", "alias"),
    [
        ("storage_pb2", (), "_storage_pb2"),
        ("a.b.storage_pb2", (), "_storage_pb2"),
        ("a.storage_pb2", ("_storage_pb2",), "_a_storage_pb2"),
        ("a_storage_pb2", ("_a_storage_pb2",), "_a_storage_pb2_2"),
        ("a.b_pb2", ("_b_pb2", "_a_b_pb2", "_a_b_pb2_2"), "_a_b_pb2_3"),
        ("paths.2fa_pb2", (), "_module_2fa_pb2"),
        ("sp ace.ün_pb2", (), "_n_pb2"),
        ("__init_pb2", (), "_init_pb2"),
        ("Upper_pb2", (), "_upper_pb2"),
    ],
)
def test_an_alias_is_short_until_taken(module: str, taken: tuple[str, ...], alias: str) -> None:
    assert naming.alias(module, set(taken)) == alias
