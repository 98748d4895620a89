"""Running protoc, and the plugin without it."""

import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path

from google.protobuf import descriptor_pb2
from google.protobuf.compiler import plugin_pb2
from google.rpc import status_pb2

import gorums_pb2  # noqa: F401 - without it the options of parsed requests are lost

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "tests/compiler/corpus"
REFUSED = ROOT / "tests/compiler/refused"
PLUGIN = Path(sysconfig.get_path("scripts")) / "protoc-gen-pygorums"
GOOGLEAPIS = Path(status_pb2.__file__).parents[2]


def protoc(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the protoc of grpcio-tools, with this environment's plugin."""
    return subprocess.run(
        [
            *(sys.executable, "-P", "-m", "grpc_tools.protoc"),
            f"--plugin=protoc-gen-pygorums={PLUGIN}",
            *map(str, arguments),
        ],
        cwd=cwd,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def request(folder: Path, protos: Sequence[str], parameter: str = "") -> plugin_pb2.CodeGeneratorRequest:
    """What protoc would send to the plugin for these files, whose paths are relative to the folder."""
    with tempfile.TemporaryDirectory() as output:
        descriptors = Path(output) / "descriptors"
        done = protoc(
            *(f"-I{folder}", f"-I{ROOT}", f"-I{GOOGLEAPIS}"),
            f"--descriptor_set_out={descriptors}",
            *("--include_imports", "--include_source_info"),
            *protos,
            cwd=folder,
        )
        assert done.returncode == 0, done.stderr
        files = descriptor_pb2.FileDescriptorSet.FromString(descriptors.read_bytes()).file
    return plugin_pb2.CodeGeneratorRequest(file_to_generate=protos, proto_file=files, parameter=parameter)


def request_for_text(folder: Path, text: str, parameter: str = "") -> plugin_pb2.CodeGeneratorRequest:
    """The request for one file, ``test.proto``, that is written into the folder."""
    (folder / "test.proto").write_text(text, encoding="utf-8")
    return request(folder, ["test.proto"], parameter)


def protos_of(folder: Path) -> list[str]:
    """The paths, relative to the folder, of all .proto files in it."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.proto"))


def write_documented_buf_files(project: Path) -> None:
    """Set a project up for buf as docs/compiler.md says."""
    document = (ROOT / "docs/compiler.md").read_text(encoding="utf-8")
    for name, content in re.findall(r"^```yaml\n# (buf[.a-z]*)\n(.*?)^```$", document, flags=re.MULTILINE | re.DOTALL):
        (project / name).write_text(content)
    (project / "third_party").mkdir()
    shutil.copy(ROOT / "gorums.proto", project / "third_party")
