"""Protos that are not in the corpus: other people's, odd files, very large services, packages with a prefix."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from protoc_gen_pygorums.__main__ import generate
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
