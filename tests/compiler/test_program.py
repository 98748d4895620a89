"""The program that protoc runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.compiler import plugin_pb2
from google.protobuf.message import DecodeError

from protoc_gen_pygorums import VERSION
from protoc_gen_pygorums.__main__ import RequestError, generate
from tests.compiler.support import PLUGIN, request_for_text

SERVICE = """
syntax = "proto3";
import "gorums.proto";
service Storage { rpc Read(M) returns (M) { option (gorums.quorumcall) = true; } }
message M {}
"""


def _run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([PLUGIN, *arguments], input=stdin, capture_output=True, check=False, timeout=30)


def test_version() -> None:
    done = _run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"protoc-gen-pygorums {VERSION}\n".encode(), b"")


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help(flag: str) -> None:
    done = _run(flag)
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode()
    for mentioned in (
        "--pygorums_out",
        "python -m pygorums.protoc",
        "import_prefix=PACKAGE",
        "streaming=skip",
        "--version",
    ):
        assert mentioned in text


def test_an_unknown_argument() -> None:
    done = _run("storage.proto")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.endswith(b"protoc-gen-pygorums: error: unrecognized arguments: storage.proto\n")


def test_as_a_module(tmp_path: Path) -> None:
    whole = request_for_text(tmp_path, SERVICE).SerializeToString()
    module = [sys.executable, "-m", "protoc_gen_pygorums"]
    done = subprocess.run(module, input=whole, capture_output=True, check=True, timeout=30)
    assert done.stdout == _run(stdin=whole).stdout


def test_the_response_says_what_the_plugin_can_do(tmp_path: Path) -> None:
    done = _run(stdin=request_for_text(tmp_path, SERVICE).SerializeToString())
    response = plugin_pb2.CodeGeneratorResponse.FromString(done.stdout)
    assert response.supported_features == 3
    assert response.minimum_edition == descriptor_pb2.EDITION_PROTO2
    assert response.maximum_edition == descriptor_pb2.EDITION_2024
    assert not response.error
    assert [file.name for file in response.file] == ["test_gorums.py"]
    assert "CallType.QUORUM_CALL" in response.file[0].content


def _assert_refused(stdin: bytes, reason: str) -> None:
    done = _run(stdin=stdin)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == (
        f"protoc-gen-pygorums: standard input does not hold a whole CodeGeneratorRequest: {reason}. "
        "This program is run by protoc; see protoc-gen-pygorums --help.\n"
    )


@pytest.mark.parametrize("stdin", [b"hello, plugin\n", b"\xff" * 100, b"\x0a"])
def test_a_foreign_request(stdin: bytes) -> None:
    _assert_refused(stdin, "it cannot be parsed")


def test_an_empty_request() -> None:
    _assert_refused(b"", "it names no file to generate")


def test_a_request_without_the_file() -> None:
    lonely = plugin_pb2.CodeGeneratorRequest(file_to_generate=["x.proto"])
    _assert_refused(lonely.SerializeToString(), "x.proto is to be generated, but not contained")


def test_a_request_without_an_imported_file(tmp_path: Path) -> None:
    text = """
    syntax = "proto3";
    import "google/protobuf/empty.proto";
    service S { rpc Get(google.protobuf.Empty) returns (google.protobuf.Empty); }
    """
    part = request_for_text(tmp_path, text)
    files = [file for file in part.proto_file if file.name == "test.proto"]
    part.ClearField("proto_file")
    part.proto_file.extend(files)
    _assert_refused(part.SerializeToString(), "google.protobuf.Empty is used, but not contained")


def test_a_request_that_is_not_whole_hides_no_refusal(tmp_path: Path) -> None:
    text = 'syntax = "proto3"; service S { rpc Get(stream M) returns (M); } message M {}'
    part = request_for_text(tmp_path, text)
    part.file_to_generate.append("\nx.proto")
    done = _run(stdin=part.SerializeToString())
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode().splitlines() == [
        "protoc-gen-pygorums: standard input does not hold a whole CodeGeneratorRequest: "
        "\\nx.proto is to be generated, but not contained. "
        "This program is run by protoc; see protoc-gen-pygorums --help.",
        "test.proto:1:32: method S.Get has a streaming request, which no call type has; "
        "remove 'stream' from its request, or skip it with --pygorums_opt=streaming=skip",
    ]


def test_a_truncated_request(tmp_path: Path) -> None:
    whole = request_for_text(tmp_path, SERVICE).SerializeToString()
    _assert_refused(whole[: len(whole) // 2], "it cannot be parsed")


def test_no_truncated_request_is_answered(tmp_path: Path) -> None:
    text = """
    syntax = "proto3";
    import "google/protobuf/empty.proto";
    service S { rpc Get(google.protobuf.Empty) returns (google.protobuf.Empty); }
    """
    whole = request_for_text(tmp_path, text)
    for file in whole.proto_file:
        file.ClearField("source_code_info")
    data = whole.SerializeToString()
    assert generate(plugin_pb2.CodeGeneratorRequest.FromString(data)).file
    for length in range(len(data)):
        with pytest.raises((DecodeError, RequestError)):
            generate(plugin_pb2.CodeGeneratorRequest.FromString(data[:length]))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_on_a_terminal_it_does_not_wait_for_input() -> None:
    master, terminal = os.openpty()
    try:
        done = subprocess.run([PLUGIN], stdin=terminal, capture_output=True, check=False, timeout=30)
    finally:
        os.close(master)
        os.close(terminal)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.endswith(b"protoc-gen-pygorums: error: this program is run by protoc; see --help for how\n")
