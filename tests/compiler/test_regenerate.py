"""``make generate`` and its check: no generated file that differs, is missing or is left over goes unnoticed."""

import shutil
from pathlib import Path

import pytest

from tests import regenerate
from tests.compiler.support import ROOT
from tests.lowest_versions import constraints


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small one, in place of this."""
    for name in ("pyproject.toml", "gorums.proto"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/one.proto").write_text('syntax = "proto3"; service S { rpc Get(M) returns (M); } message M {}')
    (tmp_path / "tests/compiler/refused").mkdir(parents=True)
    (tmp_path / "tests/compiler/refused/two.proto").write_text("not a proto")
    monkeypatch.setattr(regenerate, "ROOT", tmp_path)
    return tmp_path


def test_generating_and_checking(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generated = ["gorums_pb2.py", "gorums_pb2.pyi", "tests/one_gorums.py", "tests/one_pb2.py", "tests/one_pb2.pyi"]
    assert regenerate.main(["--check"]) == 1
    assert capsys.readouterr().err == "".join(
        [
            *(f"{path}: missing\n" for path in generated),
            "These generated files are not what their sources give. Run: make generate\n",
        ]
    )
    assert regenerate.main([]) == 0
    assert capsys.readouterr().out == "".join(f"{path}: written\n" for path in generated)
    assert all((repository / path).is_file() for path in generated)
    assert regenerate.main(["--check"]) == 0
    assert regenerate.main([]) == 0
    assert capsys.readouterr() == ("", "")


def test_each_difference_is_named_and_mended(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    regenerate.main([])
    (repository / "tests/one_pb2.pyi").unlink()
    with (repository / "tests/one_gorums.py").open("a") as file:
        file.write("# edited\n")
    shutil.copy(repository / "tests/one_gorums.py", repository / "tests/left_over_gorums.py")
    (repository / "tests/test_from_gorums.py").write_text("# Written by hand.\n")
    capsys.readouterr()
    assert regenerate.main(["--check"]) == 1
    assert capsys.readouterr().err.splitlines()[:-1] == [
        "tests/left_over_gorums.py: stale",
        "tests/one_gorums.py: differs",
        "tests/one_pb2.pyi: missing",
    ]
    assert regenerate.main([]) == 0
    assert regenerate.main(["--check"]) == 0
    assert not (repository / "tests/left_over_gorums.py").exists()
    assert (repository / "tests/test_from_gorums.py").exists()


def test_a_broken_proto_is_protocs_to_report(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "tests/one.proto").write_text("not a proto")
    assert regenerate.main([]) == 1
    assert "tests/one.proto:1:1:" in capsys.readouterr().err


def test_another_protoc_than_the_pinned_one(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = repository / "pyproject.toml"
    project.write_text(project.read_text().replace("grpcio-tools==", "grpcio-tools==0.0+"))
    assert regenerate.main(["--check"]) == 1
    assert "is what generates. Run: make install" in capsys.readouterr().err


def test_the_floors_are_the_lowest_allowed_versions() -> None:
    project = """
    [project]
    dependencies = ["protobuf>=6.33.5,<8", "Jinja2 >= 3.1", "unbounded"]
    [project.optional-dependencies]
    tools = ["grpcio-tools>=1.81", "types-x[y]>=1.0; python_version < '3.12'"]
    dev = ["me[tools]", "ruff==1.0"]
    """
    assert list(constraints(project)) == ["protobuf==6.33.5", "Jinja2==3.1", "grpcio-tools==1.81", "types-x==1.0"]
