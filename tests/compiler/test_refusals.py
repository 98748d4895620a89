"""What the plugin refuses, and its whole message."""

import re
from pathlib import Path

import pytest
from google.protobuf.compiler import plugin_pb2

from protoc_gen_pygorums.__main__ import generate
from tests.compiler.support import REFUSED, ROOT, protoc, protos_of, request, request_for_text


@pytest.fixture(scope="module")
def refused() -> plugin_pb2.CodeGeneratorRequest:
    return request(REFUSED, protos_of(REFUSED))


def _expected_error(proto: str) -> str:
    return "\n".join(re.findall(r"^// error: (.*)$", (REFUSED / proto).read_text(), flags=re.MULTILINE))


@pytest.mark.parametrize("proto", protos_of(REFUSED))
def test_a_refused_file_gets_its_whole_message(refused: plugin_pb2.CodeGeneratorRequest, proto: str) -> None:
    one = plugin_pb2.CodeGeneratorRequest(file_to_generate=[proto], proto_file=refused.proto_file)
    response = generate(one)
    assert response.error == _expected_error(proto)
    assert not response.file


def test_the_problems_of_several_files_are_all_reported(refused: plugin_pb2.CodeGeneratorRequest) -> None:
    response = generate(refused)
    assert response.error == "\n".join(map(_expected_error, refused.file_to_generate))
    assert not response.file


def test_protoc_shows_the_message_and_writes_nothing(tmp_path: Path) -> None:
    done = protoc(f"-I{REFUSED}", f"-I{ROOT}", f"--pygorums_out={tmp_path}", "two_call_types.proto", cwd=REFUSED)
    assert done.returncode == 1
    assert done.stderr == f"--pygorums_out: {_expected_error('two_call_types.proto')}\n"
    assert not list(tmp_path.iterdir())


def test_two_files_with_one_module(tmp_path: Path) -> None:
    for name in ("a-b", "a_b"):
        package = name.replace("-", "x")
        service = "service S { rpc Get(M) returns (M); } message M {}"
        (tmp_path / f"{name}.proto").write_text(f'syntax = "proto3"; package {package}; {service}')
    response = generate(request(tmp_path, ["a-b.proto", "a_b.proto"]))
    assert response.error == ("a_b.proto: its module a_b_gorums.py is that of a-b.proto too; rename one of the two")


def test_without_source_information_the_file_is_named() -> None:
    bare = request(REFUSED, ["no_letters.proto"])
    for file in bare.proto_file:
        file.ClearField("source_code_info")
    assert generate(bare).error.splitlines()[0] == (
        "no_letters.proto: method Storage._ has no letter in its name, so there is no Python name for it; rename it"
    )


@pytest.mark.parametrize(
    ("parameter", "error"),
    [
        (
            "quiet",
            "--pygorums_opt=quiet: there is no option 'quiet', only import_prefix=PACKAGE; remove it",
        ),
        (
            "import_prefix=a,paths=source_relative",
            "--pygorums_opt=paths=source_relative: there is no option 'paths', only import_prefix=PACKAGE; remove it",
        ),
        (
            "Import_prefix=a",
            "--pygorums_opt=Import_prefix=a: there is no option 'Import_prefix', only import_prefix=PACKAGE; remove it",
        ),
        (
            "import_prefix",
            "--pygorums_opt=import_prefix=: not the name of a Python package; "
            "write it with dots, as in import_prefix=my.generated",
        ),
        (
            "import_prefix=my/generated",
            "--pygorums_opt=import_prefix=my/generated: not the name of a Python package; "
            "write it with dots, as in import_prefix=my.generated",
        ),
        (
            "import_prefix=my.class",
            "--pygorums_opt=import_prefix=my.class: not the name of a Python package; "
            "write it with dots, as in import_prefix=my.generated",
        ),
        (
            "import_prefix=a,import_prefix=b",
            "--pygorums_opt=import_prefix=b: import_prefix is given twice; give it once",
        ),
    ],
)
def test_a_wrong_option(tmp_path: Path, parameter: str, error: str) -> None:
    response = generate(request_for_text(tmp_path, 'syntax = "proto3"; service S {}', parameter))
    assert response.error == error
    assert not response.file


def test_protoc_shows_a_wrong_option(tmp_path: Path) -> None:
    (tmp_path / "x.proto").write_text('syntax = "proto3"; service S {}')
    done = protoc("-I.", "--pygorums_out=.", "--pygorums_opt=colour=blue", "x.proto", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "--pygorums_out: --pygorums_opt=colour=blue: there is no option 'colour', "
        "only import_prefix=PACKAGE; remove it\n"
    )
