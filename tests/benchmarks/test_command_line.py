"""The command line."""

from pathlib import Path

import pytest

from benchmarks.command_line import parse_arguments
from benchmarks.measuring.options import Options


def test_without_arguments_the_defaults_hold() -> None:
    assert parse_arguments([]) == Options(output="benchmark-results")


@pytest.mark.parametrize(
    ("arguments", "attribute", "value"),
    [
        (["sweep"], "command", "sweep"),
        (["reach"], "command", "reach"),
        (["reach"], "rounds", 5),
        (["reach", "--rounds", "1"], "rounds", 1),
        (["--list"], "command", "list"),
        (["--list"], "cases", False),
        (["reach", "--list"], "cases", True),
        (["--server", "127.0.0.1:0"], "command", "serve"),
        (["--server", "127.0.0.1:0"], "server", "127.0.0.1:0"),
        (["--time", "2"], "seconds", 2.0),
        (["--time", "500ms"], "seconds", 0.5),
        (["--time", "1.5s"], "seconds", 1.5),
        (["--time", "2m"], "seconds", 120.0),
        (["--time", "1e-3"], "seconds", 0.001),
        (["--warmup", "0"], "warmup", 0.0),
        (["--concurrent", "7"], "concurrent", (7,)),
        (["--concurrent", "1,50,1,200"], "concurrent", (1, 50, 200)),
        (["--concurrent", "7"], "threads", (1, 32)),
        (["--threads", "2,8"], "threads", (2, 8)),
        (["--max-async", "10"], "max_async", 10),
        (["--payload", "1024"], "payload", 1024),
        (["--config-size", "5"], "config_size", 5),
        (["--config-size", "5"], "quorum_size", 3),
        (["--config-size", "4"], "quorum_size", 3),
        (["--config-size", "1"], "quorum_size", 1),
        (["--config-size", "5", "--quorum-size", "5"], "quorum_size", 5),
        (["--remotes", "a:1, b:2,c:3,d:4"], "remotes", ("a:1", "b:2", "c:3", "d:4")),
        (["--remotes", "a:1,b:2,c:3,d:4"], "config_size", 4),
        (["--remotes", "a:1,b:2,c:3,d:4", "--config-size", "2"], "config_size", 2),
        (["--processes", "2"], "processes", 2),
        (["--send-buffer", "4096"], "send_buffer", 4096),
        (["--no-baselines"], "baselines", False),
        (["--uvloop"], "uvloop", True),
        (["--transport", "grpc"], "transport", "grpc"),
        (["--transport", "asyncio"], "transport", "asyncio"),
        (["--transport", "auto"], "transport", "grpc"),
        (["--json", "-"], "json", "-"),
        (["sweep", "--output", "there"], "output", "there"),
    ],
)
def test_arguments(arguments: list[str], attribute: str, value: object) -> None:
    assert getattr(parse_arguments(arguments), attribute) == value


def test_benchmarks_are_chosen_by_a_regular_expression() -> None:
    assert parse_arguments(["--benchmarks", "^Async|RPC"]).chosen.search("AsyncQuorumCall")


@pytest.mark.parametrize("arguments", [[], ["--server", "127.0.0.1:0"], ["reach"], ["sweep"]])
def test_the_environment_chooses_the_transport(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("grpc", "auto", ""):
        monkeypatch.setenv("PYGORUMS_TRANSPORT", name)
        assert parse_arguments(arguments).transport == "grpc"
    monkeypatch.setenv("PYGORUMS_TRANSPORT", "tcp")
    assert parse_arguments([*arguments, "--transport", "grpc"]).transport == "grpc"
    with pytest.raises(SystemExit):
        parse_arguments(arguments)
    assert "PYGORUMS_TRANSPORT: there is no transport 'tcp', only asyncio, grpc, auto" in capsys.readouterr().err


def test_files_to_write_must_be_in_a_folder_that_is_there(tmp_path: Path) -> None:
    assert parse_arguments(["--profile", f"{tmp_path}/profile"]).profile == f"{tmp_path}/profile"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--time", "0"], "argument --time: 0 is no time to measure anything"),
        (["--time", "-1"], "argument --time: '-1' is not a time, such as 0.5, 500ms or 2s"),
        (["--time", "soon"], "argument --time: 'soon' is not a time, such as 0.5, 500ms or 2s"),
        (["--time", "1.2.3"], "argument --time: '1.2.3' is not a time, such as 0.5, 500ms or 2s"),
        (["--time", "inf"], "argument --time: 'inf' is not a time, such as 0.5, 500ms or 2s"),
        (["--concurrent", "0"], "argument --concurrent: 0 is less than 1"),
        (["--concurrent", "1,"], "argument --concurrent: '' is not a whole number"),
        (["--rounds", "1.5"], "argument --rounds: '1.5' is not a whole number"),
        (["--payload", "-1"], "argument --payload: -1 is less than 0"),
        (["--benchmarks", "("], "argument --benchmarks: '(' is not a regular expression: "),
        (["--remotes", ","], "argument --remotes: no addresses; give some such as 127.0.0.1:8080,127.0.0.1:8081"),
        (["--remotes", "a:1", "--config-size", "2"], "--config-size 2 is more than there are --remotes: 1"),
        (["--remotes", "a:1", "--processes", "1"], "--processes is for local servers, and --remotes are not"),
        (["reach", "--remotes", "a:1"], "reach needs servers of its own; --remotes are for compare"),
        (["--quorum-size", "4"], "--quorum-size 4 is more than there are nodes: 3"),
        (["--output", "x"], "--output is for sweep"),
        (["--json", "/no/such/folder/x"], "argument --json: /no/such/folder/x cannot be written: "),
        (["--profile", "/"], "argument --profile: / cannot be written: "),
        (["--transport", "tcp"], "--transport: there is no transport 'tcp', only asyncio, grpc, auto"),
        (["measure"], "argument command: invalid choice: 'measure' "),
        (["--verbose"], "unrecognized arguments: --verbose "),
    ],
)
def test_arguments_that_cannot_be(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_arguments(arguments)
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"python -m benchmarks: {message}")
    assert said.err.count("\n") == 1
