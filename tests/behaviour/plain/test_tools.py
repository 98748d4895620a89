"""The programs that people use: grpcurl, buf curl, and stubs that protoc generates, in processes of their own."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet

import pygorums as gorums
from tests.protos import calls_pb2
from tests.support.calls import ScriptedCalls
from tests.support.program import START_LIMIT, Program
from tests.support.waiting import within

PROTOS = Path(__file__).parents[2] / "protos"
ROOT = PROTOS.parents[1]


def program(name: str) -> str:
    """The path of a program that a package has brought."""
    path = Path(sys.executable).parent / name
    if not path.exists():
        pytest.skip(f"{name} is not installed")
    return str(path)


async def run(*command: str) -> tuple[int, str]:
    """Run a program: its exit status, and all that it has written."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await within(process.communicate(), START_LIMIT)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, output.decode()


def server(**options: object) -> gorums.Server:
    return gorums.Server(ScriptedCalls(), address="127.0.0.1:0", plain=gorums.Plain(**options))  # type: ignore[arg-type]  # any of them


async def test_grpcurl() -> None:
    grpcurl = program("grpcurl")
    async with server() as served:

        async def curl(method: str, **request: object) -> tuple[int, str]:
            return await run(grpcurl, "-plaintext", "-d", json.dumps(request), served.address, method)

        listed = await run(grpcurl, "-plaintext", served.address, "list")
        assert listed == (0, "calls.Calls\ngrpc.health.v1.Health\ngrpc.reflection.v1alpha.ServerReflection\n")
        described, text = await run(grpcurl, "-plaintext", served.address, "describe", "calls.Calls.Follow")
        assert described == 0, text
        assert "rpc Follow ( .calls.Text ) returns ( stream .calls.Text )" in text
        status, text = await curl("calls.Calls/Echo", text="ok", data="AAE=")
        assert (status, json.loads(text)) == (0, {"text": "ok", "number": "1", "data": "AAE="})
        status, text = await curl("calls.Calls/Follow", text="ok", number=2)
        assert (status, text.count('"text": "ok"')) == (0, 2)
        status, text = await curl("calls.Calls/Note", text="noted")
        assert (status, json.loads(text)) == (0, {})
        status, text = await curl("calls.Calls/Ask", text="fail")
        assert status
        assert "Code: FailedPrecondition" in text
        assert "Message: server 1 refuses" in text
        status, text = await curl("grpc.health.v1.Health/Check", service="calls.Calls")
        assert (status, json.loads(text)) == (0, {"status": "SERVING"})


@pytest.mark.parametrize("reflection", ["grpc-v1", "grpc-v1alpha"])
async def test_buf_curl(reflection: str) -> None:
    buf = program("buf")
    async with server() as served:
        common = ("curl", "--protocol", "grpc", "--http2-prior-knowledge", "--reflect-protocol", reflection, "-d")
        for text, number, count in (("ok", 0, 1), ("fail", 0, 0), ("ok", 3, 3)):
            method = "Follow" if number else "Echo"
            request = json.dumps({"text": text, "number": number})
            status, output = await run(buf, *common, request, f"http://{served.address}/calls.Calls/{method}")
            assert output.count('"text": "ok"') == count, output
            assert (status == 0) == (text == "ok")
            assert ("failed_precondition" in output) == (text == "fail")


def schema() -> bytes:
    """The descriptors of the test service, and of all that it imports."""
    files: dict[str, FileDescriptor] = {}

    def add(file: FileDescriptor) -> None:
        for each in file.dependencies:
            add(each)
        files[file.name] = file

    add(calls_pb2.DESCRIPTOR)
    found = FileDescriptorSet()
    for file in files.values():
        file.CopyToProto(found.file.add())
    return found.SerializeToString()


async def test_without_reflection_a_schema_does(tmp_path: Path) -> None:
    buf, grpcurl = program("buf"), program("grpcurl")
    async with server(reflection=False) as served:
        status, text = await run(grpcurl, "-plaintext", served.address, "list")
        assert status
        assert "does not support the reflection API" in text
        (tmp_path / "calls.binpb").write_bytes(schema())
        url = f"http://{served.address}/calls.Calls/Ask"
        options = ("--protocol", "grpc", "--http2-prior-knowledge", "--schema", str(tmp_path / "calls.binpb"))
        status, text = await run(buf, "curl", *options, "-d", '{"text": "x"}', url)
        assert (status, json.loads(text)) == (0, {"text": "x", "number": "1"}), text


STUB = """
import subprocess
from pathlib import Path

address, protos, root, out = sys.argv[1:]
subprocess.run(
    [sys.executable, "-m", "grpc_tools.protoc", "-I", protos, "-I", root, "--grpc_python_out", out, "calls.proto"],
    check=True,
)
import grpc
from google.protobuf.empty_pb2 import Empty
from tests.protos import calls_pb2

sys.modules["calls_pb2"] = calls_pb2
sys.path.insert(0, out)
import calls_pb2_grpc

with grpc.insecure_channel(address) as channel:
    stub = calls_pb2_grpc.CallsStub(channel)
    assert stub.Echo(Text(text="a"), timeout=10) == Text(text="a", number=1)
    assert stub.Spread(Text(text="b"), timeout=10) == Empty()
    assert [reply.number for reply in stub.Follow(Text(text="c", number=3), timeout=10)] == [1, 2, 3]
    try:
        stub.Ask(Text(text="fail"), timeout=10)
    except grpc.RpcError as error:
        print(error.code().name, error.details())
"""


async def test_a_generated_stub(tmp_path: Path) -> None:
    async with server() as served, Program(STUB, served.address, str(PROTOS), str(ROOT), str(tmp_path)) as stub:
        assert await stub.line() == "FAILED_PRECONDITION server 1 refuses"
        assert await stub.ended() == (0, "")
