import pytest

from examples.storage.arguments import Arguments, parse_arguments


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], Arguments()),
        (["--addrs", "a:1"], Arguments(("a:1",))),
        (["--connect", "a:1,b:2"], Arguments(("a:1", "b:2"))),
        (["--addrs=a:1,b:2"], Arguments(("a:1", "b:2"))),
        (["--addrs", " a:1 ,, b:2,"], Arguments(("a:1", "b:2"))),
        (["--serve", "--addrs", "a:1"], Arguments(("a:1",), serve="a:1")),
        (["--addrs", "a:1,b:2", "--serve"], Arguments(("a:1", "b:2"), serve="a:1")),
        (["--addrs", "a:1,b:2", "--serve", "b:2"], Arguments(("a:1", "b:2"), serve="b:2")),
        (["--cluster", "--addrs", "a:1,b:2"], Arguments(("a:1", "b:2"), cluster=True)),
        (["--interceptors", "nofoo, logging,"], Arguments(interceptors=("nofoo", "logging"))),
        (
            ["--cluster", "--addrs", "a:1", "--interceptors", "delayed,metadata"],
            Arguments(("a:1",), cluster=True, interceptors=("delayed", "metadata")),
        ),
        (["--serve", "--addrs", "a:1", "--interceptors", ""], Arguments(("a:1",), serve="a:1")),
    ],
)
def test_command_lines(arguments: list[str], expected: Arguments) -> None:
    assert parse_arguments(arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--serve"], "--serve needs --addrs with the address to listen on, such as 127.0.0.1:8080"),
        (
            ["--cluster"],
            "--cluster needs --addrs with the addresses of its servers, such as 127.0.0.1:8080,127.0.0.1:8081",
        ),
        (
            ["--serve", "a:2", "--addrs", "a:1,b:2"],
            "--serve a:2 is not one of --addrs, which must list every server of the cluster",
        ),
        (["--serve", "--cluster", "--addrs", "a:1"], "argument --cluster: not allowed with argument --serve"),
        (
            ["--interceptors", "logging,noisy"],
            "unknown interceptor 'noisy': there are logging, nofoo, metadata, delayed",
        ),
        (
            ["--addrs", "a:1", "--interceptors", "logging"],
            "--interceptors is for servers, and with --addrs alone none is started: give it to the servers",
        ),
        (["--addrs", ""], "--addrs names no server; give addresses such as 127.0.0.1:8080,127.0.0.1:8081"),
        (["--addrs", ",,"], "--addrs names no server; give addresses such as 127.0.0.1:8080,127.0.0.1:8081"),
        (["--addrs"], "argument --addrs/--connect: expected one argument"),
        (["--serv"], "unrecognized arguments: --serv"),
        (["127.0.0.1:8080"], "unrecognized arguments: 127.0.0.1:8080"),
    ],
)
def test_a_wrong_command_line_is_explained_in_a_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_arguments(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err == f"python -m examples.storage: {message} (see python -m examples.storage --help)\n"


def test_the_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_arguments(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert all(option in text for option in ("--addrs", "--connect", "--serve", "--cluster", "--interceptors"))
