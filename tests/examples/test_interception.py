"""``python -m examples.storage --interceptors …``."""

import re

import pytest

from examples.storage.arguments import INTERCEPTORS
from examples.storage.interception import interceptors_named
from tests.examples.programs import run_storage


def test_every_name_has_an_interceptor() -> None:
    assert len(interceptors_named(INTERCEPTORS)) == len(INTERCEPTORS)
    assert interceptors_named([]) == []


@pytest.mark.parametrize("names", ["nofoo", "metadata,nofoo,delayed"])
def test_the_key_foo_is_refused_and_others_are_not(names: str) -> None:
    commands = ["qc write foo a", "rpc 1 read foo", "qc nread foo", "qc write bar a", "qc nread bar", "qc cread bar"]
    completed = run_storage("--interceptors", names, stdin="\n".join(commands))
    why = "PERMISSION_DENIED: requests for key 'foo' are not allowed"
    lines = re.sub(r"127\.0\.0\.1:\d+", "an address", completed.stdout).splitlines()
    assert lines == [
        f"Write was refused: {why}",
        f"Read failed: node 1 (an address): {why}",
        f"Nested read was refused: {why}",
        "Write OK",
        "bar = a",
        "bar = a (level 1)",
        "bar = a (level 2)",
        "Correctable read finished",
    ]
    assert completed.stderr == ""


def test_requests_and_replies_are_logged_apart_from_what_is_shown() -> None:
    completed = run_storage("--interceptors", "logging", stdin="rpc 0 write greeting hello\ncfg 1 nread greeting\n")
    assert completed.stdout == "Write OK\ngreeting = hello\n"
    lines = completed.stderr.splitlines()
    assert all(re.match(r"\[127\.0\.0\.1:\d+\] proto\.Storage\.\w+ ", line) for line in lines)
    methods = [line.split()[1].removeprefix("proto.Storage.") for line in lines]
    # A line for the request and one for the reply, at each of the servers.
    assert methods.count("WriteRPC") == 2
    assert methods.count("ReadNestedQC") == 2
    assert methods.count("ReadQC") == 8
