"""What the plugin refuses, and its whole message."""

import re
from pathlib import Path

import pytest
from google.protobuf.compiler import plugin_pb2

from protoc_gen_pygorums.__main__ import generate
from protoc_gen_pygorums.checks import OF_EARLIER_VERSIONS
from tests.compiler.support import REFUSED, ROOT, protoc, protos_of, request, request_for_text

# Beside those in folders, which have a gorums.proto of their own.
PROTOS = [proto for proto in protos_of(REFUSED) if "/" not in proto]


@pytest.fixture(scope="module")
def refused() -> plugin_pb2.CodeGeneratorRequest:
    return request(REFUSED, PROTOS)


def _expected_error(proto: str) -> str:
    return "\n".join(re.findall(r"^// error: (.*)$", (REFUSED / proto).read_text(encoding="utf-8"), flags=re.MULTILINE))


@pytest.mark.parametrize("proto", PROTOS)
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


def test_options_of_an_earlier_gorums_are_named_with_what_to_write() -> None:
    response = generate(request(REFUSED / "earlier_gorums", ["storage.proto"]))
    assert response.error == _expected_error("earlier_gorums/storage.proto")
    assert not response.file


def test_every_option_of_an_earlier_gorums_is_documented() -> None:
    document = (ROOT / "docs/compiler.md").read_text(encoding="utf-8")
    section = document.partition("### Options of earlier versions of Gorums")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`gorums\.(\w+)`", row)} == OF_EARLIER_VERSIONS.keys()


def test_of_many_problems_the_first_are_told_and_the_others_counted(tmp_path: Path) -> None:
    methods = " ".join(f"rpc M{number}(stream M) returns (M);" for number in range(500))
    (tmp_path / "many.proto").write_text(f'syntax = "proto3"; package many; service S {{ {methods} }} message M {{}}')
    few = " ".join(f"rpc M{number}(stream M) returns (M);" for number in range(20))
    (tmp_path / "few.proto").write_text(f'syntax = "proto3"; package few; service S {{ {few} }} message M {{}}')
    lines = generate(request(tmp_path, ["many.proto", "few.proto"])).error.splitlines()
    assert len(lines) == 41
    assert lines[19].startswith("many.proto:1:")
    assert ": method S.M19 has a streaming request" in lines[19]
    assert lines[20] == "many.proto: and 480 more"
    assert ": method S.M19 has a streaming request" in lines[40]


def test_a_file_that_is_no_names_hides_nothing_of_the_others(tmp_path: Path) -> None:
    service = "service S { rpc Get(stream M) returns (M); } message M {}"
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.proto").write_text(f'syntax = "proto3"; package {name}; {service}')
    files = request(tmp_path, ["a.proto", "b.proto", "c.proto"])
    broken = next(file for file in files.proto_file if file.name == "b.proto")
    broken.service[0].method[0].name = "Get(): pass\n"
    broken.service.add(name="1st")
    refusal = (
        "{0}.proto:1:43: method S.Get has a streaming request, which no call type has; "
        "remove 'stream' from its request, or skip it with --pygorums_opt=streaming=skip"
    )
    assert generate(files).error.splitlines() == [
        refusal.format("a"),
        "b.proto: its method 'S.Get(): pass\\n' is not a name; rename it",
        "b.proto: its service '1st' is not a name; rename it",
        refusal.format("c"),
    ]


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
            "--pygorums_opt=quiet: there is no option 'quiet', only import_prefix=PACKAGE, "
            "streaming=skip, function_prefix=service; remove it",
        ),
        (
            "import_prefix=a,paths=source_relative",
            "--pygorums_opt=paths=source_relative: there is no option 'paths', only import_prefix=PACKAGE, "
            "streaming=skip, function_prefix=service; remove it",
        ),
        (
            "Import_prefix=a",
            "--pygorums_opt=Import_prefix=a: there is no option 'Import_prefix', only import_prefix=PACKAGE, "
            "streaming=skip, function_prefix=service; remove it",
        ),
        (
            "import_prefix",
            "--pygorums_opt=import_prefix: not the name of a Python package; "
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
        ("streaming=drop", "--pygorums_opt=streaming=drop: it is streaming=skip or streaming=refuse"),
        ("function_prefix", "--pygorums_opt=function_prefix: it is function_prefix=service or function_prefix=none"),
        (
            "import_prefix=\ufb01,streaming=,streaming=skip,streaming=skip",
            "--pygorums_opt=import_prefix=\ufb01: not the name of a Python package; "
            "write it with dots, as in import_prefix=my.generated\n"
            "--pygorums_opt=streaming=: it is streaming=skip or streaming=refuse\n"
            "--pygorums_opt=streaming=skip: streaming is given twice; give it once",
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
        "only import_prefix=PACKAGE, "
        "streaming=skip, function_prefix=service; remove it\n"
    )
