import pytest

from examples.storage.commands import COMMANDS, OPERATIONS
from examples.storage.completion import suggestions


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("", [*COMMANDS]),
        ("q", ["quit", "qc", "quorumcall"]),
        ("zzz", []),
        ("rpc ", ["0", "1", "2"]),
        ("rpc 1", ["1"]),
        ("rpc 0 ", ["read", "write"]),
        ("rpc 0 w", ["write"]),
        ("ucast ", ["0", "1", "2"]),
        ("ucast 1 ", []),
        ("qc ", [*OPERATIONS]),
        ("quorumcall n", ["nread", "nwrite"]),
        ("qc  cr", ["cread"]),
        ("qc read ", []),
        ("cfg ", ["0", "1", "2"]),
        ("cfg 0:2 ", [*OPERATIONS]),
        ("mcast ", []),
        ("help ", []),
    ],
)
def test_what_can_stand_at_the_cursor(before: str, expected: list[str]) -> None:
    assert suggestions(before, 3) == expected
