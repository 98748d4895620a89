"""Node IDs and lists of nodes: what is taken, and how the rest is refused."""

import pytest

from pygorums import ConfigurationError
from pygorums.nodes.address import numbered, same_place


def test_lists_are_numbered_from_1_and_go_on_after_known_nodes() -> None:
    assert numbered(["b:1", "a:1"]) == {1: "b:1", 2: "a:1"}
    assert numbered(["c:1"], {1: "a:1", 7: "b:1"}) == {8: "c:1"}


def test_mappings_keep_their_ids_in_ascending_order() -> None:
    assert list(numbered({9: "a:1", 2: "b:1"}).items()) == [(2, "b:1"), (9, "a:1")]
    assert numbered({7: "b:1"}, {7: "b:1"}) == {7: "b:1"}


@pytest.mark.parametrize(
    ("nodes", "known", "problem"),
    [
        ([], {}, "missing node addresses"),
        ({}, {}, "missing node addresses"),
        ("a:1", {}, "must be a list of addresses"),
        (["a:1", "a:1"], {}, "already in use by node 1"),
        (["127.0.0.1:1", "localhost:1"], {}, "already in use by node 1"),
        (["A:1", "a:1"], {}, "already in use by node 1"),
        (["a:1"], {4: "a:1"}, "already in use by node 4"),
        ({0: "a:1"}, {}, "0 is reserved"),
        ({-1: "a:1"}, {}, "IDs go from 1 to 4294967295"),
        ({1 << 32: "a:1"}, {}, "IDs go from 1 to 4294967295"),
        ({"1": "a:1"}, {}, "invalid node ID '1'"),
        ({True: "a:1"}, {}, "invalid node ID True"),
        ({3: "b:1"}, {3: "a:1"}, "node 3 is already in use by 'a:1'"),
        (["nowhere"], {}, "port is missing"),
    ],
)
def test_lists_that_cannot_be(nodes: list[str], known: dict[int, str], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        numbered(nodes, known)


@pytest.mark.parametrize(
    ("listening", "other", "same"),
    [
        ("127.0.0.1:8080", "127.0.0.1:8080", True),
        ("localhost:8080", "127.0.0.1:8080", True),
        ("Node.example:8080", "node.example:8080", True),
        ("[::1]:8080", "[::1]:8080", True),
        ("0.0.0.0:8080", "127.0.0.1:8080", True),
        ("[::]:8080", "localhost:8080", True),
        ("127.0.0.1:8080", "127.0.0.1:8081", False),
        ("127.0.0.1:8080", "127.0.0.2:8080", False),
        ("0.0.0.0:8080", "other.example:8080", False),
        ("127.0.0.1:0", "127.0.0.1:8080", False),
    ],
)
def test_whether_two_addresses_are_certainly_one_place(listening: str, other: str, same: bool) -> None:
    assert same_place(listening, other) is same
