"""The protos of the repository, each with a hazard, and what is generated for them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.compiler import plugin_pb2

from protoc_gen_pygorums.__main__ import generate
from tests import regenerate
from tests.compiler.support import CORPUS, ROOT, protos_of, request

PROTOS = [f"tests/compiler/corpus/{proto}" for proto in protos_of(CORPUS)] + ["tests/protos/calls.proto"]
GENERATED = sorted(path.relative_to(ROOT).as_posix() for path in CORPUS.rglob("*_gorums.py"))
WITHOUT_SERVICES = {
    "imported/definitions",
    "imported/public",
    "imported/public_twice",
    "left/same_name",
    "no_services",
    "right/same_name",
    "right_same_name",
}


@pytest.fixture(scope="module")
def corpus() -> plugin_pb2.CodeGeneratorRequest:
    return request(ROOT, PROTOS)


def test_what_is_committed_is_what_the_plugin_gives(corpus: plugin_pb2.CodeGeneratorRequest) -> None:
    response = generate(corpus)
    assert not response.error
    for file in response.file:
        assert file.content == (ROOT / file.name).read_text(encoding="utf-8"), file.name
    assert sorted(file.name for file in response.file) == [*GENERATED, "tests/protos/calls_gorums.py"]


def test_what_is_committed_is_what_protoc_gives(tmp_path: Path) -> None:
    assert regenerate.generate(tmp_path) == ""
    assert regenerate.differences(tmp_path, ROOT) == {}


def test_files_without_services_give_nothing(corpus: plugin_pb2.CodeGeneratorRequest) -> None:
    without = {proto.removesuffix(".proto") for proto in protos_of(CORPUS)} - {
        file.name.removeprefix("tests/compiler/corpus/").removesuffix(".proto")
        for file in corpus.proto_file
        if file.service
    }
    assert without == WITHOUT_SERVICES
    for name in without:
        assert f"tests/compiler/corpus/{name}_gorums.py" not in GENERATED


def test_two_runs_are_identical(tmp_path: Path) -> None:
    outputs = []
    for seed in ("1", "2"):
        output = tmp_path / seed
        output.mkdir()
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        script = "import sys; from tests.compiler.test_corpus import compile_into; compile_into(sys.argv[1])"
        subprocess.run([sys.executable, "-c", script, output], check=True, cwd=ROOT, env=environment, timeout=60)
        outputs.append({path.relative_to(output): path.read_bytes() for path in output.rglob("*.py")})
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) == len(GENERATED) + 1


def compile_into(output: str) -> None:
    """Generate the corpus, in an environment of the caller's."""
    for file in generate(request(ROOT, PROTOS)).file:
        path = Path(output, file.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content, encoding="utf-8")


def test_one_file_at_a_time_gives_the_same(corpus: plugin_pb2.CodeGeneratorRequest) -> None:
    for proto in PROTOS:
        alone = plugin_pb2.CodeGeneratorRequest(file_to_generate=[proto], proto_file=corpus.proto_file)
        for file in generate(alone).file:
            assert file.content == (ROOT / file.name).read_text(encoding="utf-8"), file.name
