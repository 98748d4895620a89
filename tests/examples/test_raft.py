"""The Raft example in processes of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.raft.cluster import Cluster
from examples.raft.prompt import Prompt
from tests.examples.programs import run_module


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path) as cluster:
        yield cluster


def leader_of(prompt: Prompt) -> str:
    return next(line.split()[0] for line in prompt.execute("status").splitlines() if "leader" in line)


def test_what_is_stored_outlives_the_leader_and_a_restart_of_all(cluster: Cluster) -> None:
    prompt = Prompt(cluster)
    assert prompt.execute("put", "a", "1") == "stored"
    killed = leader_of(prompt)
    assert prompt.execute("kill", killed) == "killed"
    assert prompt.execute("get", "a") == "1"
    assert prompt.execute("cas", "a", "1", "2") == "stored"
    assert prompt.execute("cas", "a", "1", "3") == "something else is there"
    assert f"{killed}  does not answer" in prompt.execute("status")
    for node_id in list(cluster.addresses):
        if cluster.running(node_id):
            cluster.stop(node_id)
    for node_id in list(cluster.addresses):
        cluster.start(node_id)
    assert prompt.execute("get", "a") == "2"


def test_members_are_added_and_removed(cluster: Cluster) -> None:
    prompt = Prompt(cluster)
    prompt.execute("put", "a", "1")
    assert prompt.execute("members", "add", "4").startswith("member 4 at ")
    removed = leader_of(prompt)
    assert prompt.execute("members", "remove", removed) == f"member {removed} is removed"
    members = [line.split()[0] for line in prompt.execute("members").splitlines()]
    assert members == [each for each in "1234" if each != removed]
    assert prompt.execute("get", "a") == "1"


def test_what_is_wrong_is_told(cluster: Cluster) -> None:
    prompt = Prompt(cluster)
    for words in (["kill", "7"], ["restart", "1"], ["kill", "x"], ["put", "a"]):
        with pytest.raises(ValueError, match=r"member|an ID is|there is no command"):
            prompt.execute(*words)


@pytest.mark.parametrize(
    "arguments", [["--serve", "1=127.0.0.1:0"], ["--serve", "127.0.0.1:1"], ["--members", "1"], ["x"]]
)
def test_wrong_arguments(arguments: list[str]) -> None:
    done = run_module("examples.raft", *arguments)
    assert done.returncode == 2
    assert "usage: python -m examples.raft" in done.stderr
