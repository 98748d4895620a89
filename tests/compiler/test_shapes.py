"""Protos that are not in the corpus: other people's, odd files, very large services, packages with a prefix."""

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import ModuleType

import pytest

from protoc_gen_pygorums.__main__ import generate
from protoc_gen_pygorums.text import parse_request
from tests.compiler.support import GOOGLEAPIS, ROOT, protoc, request, request_for_text


def _import_from(path: Path) -> ModuleType:
    """Import a module from a file of any name."""
    spec = importlib.util.spec_from_file_location("generated_for_a_test", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_googles_protos(tmp_path: Path) -> None:
    protos = sorted(
        path.relative_to(GOOGLEAPIS).as_posix()
        for folder in ("api", "cloud", "gapic", "logging", "longrunning", "rpc", "type")
        for path in (GOOGLEAPIS / "google" / folder).rglob("*.proto")
    )
    assert len(protos) > 50
    response = generate(request(GOOGLEAPIS, protos))
    assert not response.error
    found = {}
    for file in response.file:
        path = tmp_path / Path(file.name).name
        path.write_text(file.content, encoding="utf-8")
        found[file.name] = {name for name in vars(_import_from(path)) if not name.startswith("_")}
    operations = {"get_operation", "list_operations", "delete_operation", "cancel_operation", "wait_operation"}
    assert (
        operations | {name.upper() for name in operations} | {"OperationsServer"}
        == (found["google/longrunning/operations_proto_gorums.py"])
    )
    assert "LocationsServer" in found["google/cloud/location/locations_gorums.py"]


def test_five_hundred_methods(tmp_path: Path) -> None:
    options = ["", *(f"option (gorums.{name}) = true;" for name in ("unicast", "multicast", "quorumcall"))]
    methods = [f"  // Number {n}.\n  rpc Method{n}(M) returns (M) {{ {options[n % 4]} }}\n" for n in range(500)]
    head = 'syntax = "proto3"; package large; import "gorums.proto"; message M {}'
    (tmp_path / "large.proto").write_text(f"{head}\nservice Large {{\n{''.join(methods)}}}\n")
    done = protoc(
        *(f"-I{each}" for each in (tmp_path, ROOT)), "--python_out=.", "--pygorums_out=.", "large.proto", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    source = (tmp_path / "large_gorums.py").read_text()
    # One screen of source for each method: its overloads, its function and a handler.
    assert len(source) < 500 * 1600
    script = (
        "import large_gorums as large; assert len(large.LargeServer.__gorums_methods__) == 500; "
        "assert large.method499.__doc__ == 'Number 499.'"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", script], cwd=tmp_path, check=True, timeout=60)


@pytest.mark.parametrize(
    ("proto", "output"),
    [
        ("2fa.proto", "2fa_gorums.py"),
        ("class/import.proto", "class/import_gorums.py"),
        ("sp ace/ünï-x.y.proto", "sp ace/ünï_x/y_gorums.py"),
        ("os.proto", "os_gorums.py"),
        ('quo"te.proto', 'quo"te_gorums.py'),
    ],
)
def test_odd_paths(tmp_path: Path, proto: str, output: str) -> None:
    path = tmp_path / proto
    path.parent.mkdir(exist_ok=True)
    path.write_text('syntax = "proto3"; service S { rpc Get(M) returns (M); } message M {}')
    done = protoc("-I.", "--python_out=.", "--pygorums_out=.", proto, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    module = output.removesuffix(".py").replace("/", ".")
    script = f"import importlib; print(importlib.import_module({module!r}).GET.request_class.DESCRIPTOR.full_name)"
    environment = {**os.environ, "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "M\n"


def test_options_of_others_with_the_same_numbers_are_not_ours(tmp_path: Path) -> None:
    text = """
    syntax = "proto3";
    package company;
    import "google/protobuf/descriptor.proto";
    extend google.protobuf.MethodOptions { bool audited = 50003; bool cached = 50001; }
    service S {
      rpc Get(M) returns (M) { option (audited) = true; option (cached) = true; }
    }
    message M {}
    """
    response = generate(request_for_text(tmp_path, text))
    assert not response.error
    assert "_gorums.CallType.RPC," in response.file[0].content


def test_a_package_with_a_prefix(tmp_path: Path) -> None:
    folder = tmp_path / "src/my/generated"
    folder.mkdir(parents=True)
    (tmp_path / "shop.proto").write_text(
        'syntax = "proto3"; import "google/protobuf/empty.proto"; message Receipt {} '
        "service Shop { rpc Order(google.protobuf.Empty) returns (Receipt); }"
    )
    done = protoc(
        *("-I.", f"--python_out={folder}", f"--pygorums_out={folder}", "--pygorums_opt=import_prefix=my.generated"),
        "shop.proto",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    script = "from my.generated.shop_gorums import ORDER; print(ORDER.request_class, ORDER.response_class)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=tmp_path / "src",
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "<class 'google.protobuf.empty_pb2.Empty'> <class 'shop_pb2.Receipt'>\n"


TWO_SERVICES = """
syntax = "proto3";
package shop;
import "gorums.proto";
service Reader {
  rpc Check(M) returns (M);
  rpc Watch(M) returns (stream M);
  rpc Follow(M) returns (stream M) { option (gorums.quorumcall) = true; }
}
service Writer {
  rpc Check(M) returns (M) { option (gorums.quorumcall) = true; }
  rpc Upload(stream M) returns (M) { option (gorums.rpc) = false; }
  // Comes after one that is left out.
  rpc Import(M) returns (M);
}
service Chat { rpc Talk(stream M) returns (stream M); }
message M {}
"""


def test_streaming_methods_of_grpc_are_left_out_when_asked_to(tmp_path: Path) -> None:
    chosen = "streaming=skip,function_prefix=service"
    (tmp_path / "shop.proto").write_text(TWO_SERVICES)
    includes = [f"-I{each}" for each in (tmp_path, ROOT)]
    outputs = ["--python_out=.", "--pygorums_out=.", f"--pygorums_opt={chosen}"]
    done = protoc(*includes, *outputs, "shop.proto", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        f"protoc-gen-pygorums: warning: shop.proto: shop.{name} streams and is left out"
        for name in ("Reader.Watch", "Writer.Upload", "Chat.Talk")
    ]
    source = (tmp_path / "shop_gorums.py").read_text()
    assert f'# parameters: "{chosen}"\n' in source
    left_out = [line for line in source.splitlines() if line.startswith("# Left out")]
    assert left_out == [
        "# Left out by streaming=skip: shop.Reader.Watch",
        "# Left out by streaming=skip: shop.Writer.Upload",
        "# Left out by streaming=skip: shop.Chat.Talk",
    ]
    script = (
        "import shop_gorums as shop\n"
        "for server in (shop.ReaderServer, shop.WriterServer, shop.ChatServer):\n"
        "    print([(method.name, method.call_type.name, name) for method, name in server.__gorums_methods__])\n"
        "print([name for name in vars(shop) if name[0] != '_'])\n"
        "print(shop.writer_import.__doc__, shop.WriterServer.import_.__doc__)\n"
    )
    command = [sys.executable, "-W", "error", "-c", script]
    printed = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60).stdout
    assert printed.splitlines() == [
        "[('shop.Reader.Check', 'RPC', 'check'), ('shop.Reader.Follow', 'STREAMING_QUORUM_CALL', 'follow')]",
        "[('shop.Writer.Check', 'QUORUM_CALL', 'check'), ('shop.Writer.Import', 'RPC', 'import_')]",
        "[]",
        "['READER_CHECK', 'reader_check', 'READER_FOLLOW', 'reader_follow', 'ReaderServer', "
        "'WRITER_CHECK', 'writer_check', 'WRITER_IMPORT', 'writer_import', 'WriterServer', 'ChatServer']",
        "Comes after one that is left out. Comes after one that is left out.",
    ]


def test_only_what_no_call_type_has_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = """
    syntax = "proto3"; import "gorums.proto"; message M {}
    service S {
      rpc Up(stream M) returns (M) { option (gorums.quorumcall) = true; }
      rpc up(M) returns (M);
      rpc Down(M) returns (stream M) { option (gorums.multicast) = true; option (gorums.rpc) = true; }
      rpc Both(M) returns (M) { option (gorums.multicast) = true; option (gorums.rpc) = true; }
    }
    """
    error = generate(request_for_text(tmp_path, text, "streaming=skip")).error
    assert [line.partition(", ")[0].partition(": method ")[2] for line in error.splitlines()] == [
        "S.Both has more than one call type"
    ]
    response = generate(request_for_text(tmp_path, text.replace("Both(M)", "Both(stream M)"), "streaming=skip"))
    assert not response.error
    assert "UP: _gorums.Method" in response.file[0].content
    assert capsys.readouterr().err.splitlines() == [
        f"protoc-gen-pygorums: warning: test.proto: S.{name} streams and is left out" for name in ("Up", "Down", "Both")
    ]


def test_prefixed_functions_may_still_collide(tmp_path: Path) -> None:
    text = """
    syntax = "proto3"; message M {}
    service Key { rpc ValueGet(M) returns (M); rpc value_get(M) returns (M); }
    service KeyValue { rpc Get(M) returns (M); }
    """
    error = generate(request_for_text(tmp_path, text, "function_prefix=service")).error
    assert [line.partition(": method ")[2] for line in error.splitlines()] == [
        "Key.value_get becomes value_get in Python, as Key.ValueGet does; rename one of them",
        "KeyValue.Get becomes key_value_get in Python, as Key.ValueGet does; rename one of them",
    ]


def test_comments_in_another_encoding(tmp_path: Path) -> None:
    text = """
    syntax = "proto3"; package latin;
    // Der Schlüssel, größer.
    service S {
      // Liest. "é"
      rpc Get(M) returns (M);
      rpc Plain(M) returns (M);  // 💾 in UTF-8.
    }
    message M {}
    """
    lines = [line.encode("utf-8" if "💾" in line else "latin-1") for line in text.splitlines(keepends=True)]
    (tmp_path / "latin.proto").write_bytes(b"".join(lines))
    done = protoc("-I.", "--python_out=.", "--pygorums_out=.", "latin.proto", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    script = "import latin_gorums as l; print(ascii([l.SServer.__doc__, l.get.__doc__, l.plain.__doc__]))"
    command = [sys.executable, "-W", "error", "-c", script]
    printed = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60).stdout
    assert ast.literal_eval(printed) == ["Der Schlüssel, größer.", 'Liest. "é"', "💾 in UTF-8."]


def test_names_in_another_encoding_are_refused(tmp_path: Path) -> None:
    text = 'syntax = "proto3"; service Name { rpc Get(M) returns (M); } message M {}'
    data = request_for_text(tmp_path, text).SerializeToString()
    refused = {
        (b"test.proto", b"\xfcest.proto"): "\\xfcest.proto: its path has characters that no module has in its name; "
        "rename the file",
        (b"Name", b"N\xe4me"): "test.proto: its service 'N\\xe4me' is not a name; rename it",
    }
    for (old, new), error in refused.items():
        assert generate(parse_request(data.replace(old, new))).error == error


def test_linters_and_formatters_leave_generated_modules_alone(tmp_path: Path) -> None:
    for source in ("tests/protos/calls_gorums.py", "tests/compiler/corpus/names_gorums.py"):
        shutil.copy(ROOT / source, tmp_path)
    (tmp_path / "by_hand.py").write_text("import sys, os\n")
    ruff = str(Path(sysconfig.get_path("scripts")) / "ruff")
    check = [ruff, "check", "--isolated", "--no-cache", "--select=ALL", "--output-format=concise", "."]
    done = subprocess.run(check, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=60)
    assert {line.partition(":")[0] for line in done.stdout.splitlines() if ".py:" in line} == {"by_hand.py"}
    form = [ruff, "format", "--isolated", "--no-cache", "--check", "--line-length=60", "."]
    done = subprocess.run(form, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=60)
    assert done.stdout == "3 files already formatted\n"
