import grpc
import pytest

import pygorums as gorums
from examples.storage.failures import failure_lines, node_lines

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
UNIMPLEMENTED = grpc.StatusCode.UNIMPLEMENTED

# Addresses that are never used: the configuration is closed before it could connect.
ADDRESSES = {7: "192.0.2.1:7", 3: "192.0.2.1:3", 5: "192.0.2.1:5"}


def status(node_id: int | None, message: str, code: grpc.StatusCode = UNAVAILABLE) -> gorums.StatusError:
    return gorums.StatusError(code, message, node_id=node_id)


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (status(5, "gone"), ["Read failed: node 1 (192.0.2.1:5): UNAVAILABLE: gone"]),
        (status(5, ""), ["Read failed: node 1 (192.0.2.1:5): UNAVAILABLE"]),
        (status(5, "192.0.2.1:5: gone"), ["Read failed: node 1 (192.0.2.1:5): UNAVAILABLE: gone"]),
        (status(5, "gone\n  for  good\n"), ["Read failed: node 1 (192.0.2.1:5): UNAVAILABLE: gone for good"]),
        (status(None, "too large"), ["Read failed: UNAVAILABLE: too large"]),
        (
            gorums.IncompleteError("m", {7: status(7, "gone")}),
            ["Read failed: node 2 (192.0.2.1:7): UNAVAILABLE: gone"],
        ),
        (gorums.IncompleteError("m", {}, 1), ["Read failed: 0 errors, 1 reply by then:"]),
        (
            gorums.IncompleteError("m", {7: status(7, "gone"), 3: OSError("odd")}, 1),
            [
                "Read failed: 2 errors, 1 reply by then:",
                "  node 0 (192.0.2.1:3): odd",
                "  node 2 (192.0.2.1:7): UNAVAILABLE: gone",
            ],
        ),
        (
            gorums.QuorumTimeoutError("m", {7: gorums.CallTimeoutError("silent", node_id=7), 3: TimeoutError()}),
            [
                "Read timed out: 2 errors, 0 replies by then:",
                "  node 0 (192.0.2.1:3): TimeoutError",
                "  node 2 (192.0.2.1:7): DEADLINE_EXCEEDED: silent",
            ],
        ),
        (
            gorums.SendError("m", {7: status(7, "gone")}, 2),
            ["Read failed: 1 error, sent to 2 nodes:", "  node 2 (192.0.2.1:7): UNAVAILABLE: gone"],
        ),
        (
            gorums.IncompleteError("m", {node: status(node, "no such call", UNIMPLEMENTED) for node in ADDRESSES}),
            ["Read was refused: UNIMPLEMENTED: no such call"],
        ),
        (
            gorums.IncompleteError(
                "m", {node: status(node, "not this key", grpc.StatusCode.PERMISSION_DENIED) for node in ADDRESSES}
            ),
            ["Read was refused: PERMISSION_DENIED: not this key"],
        ),
        (
            gorums.IncompleteError("m", {7: status(7, "a", UNIMPLEMENTED), 3: status(3, "b", UNIMPLEMENTED)}),
            [
                "Read failed: 2 errors, 0 replies by then:",
                "  node 0 (192.0.2.1:3): UNIMPLEMENTED: b",
                "  node 2 (192.0.2.1:7): UNIMPLEMENTED: a",
            ],
        ),
        (
            gorums.IncompleteError("m", {7: status(7, "a", UNIMPLEMENTED)}, 1),
            ["Read failed: 1 error, 1 reply by then:", "  node 2 (192.0.2.1:7): UNIMPLEMENTED: a"],
        ),
        (
            gorums.IncompleteError("m", {7: status(7, "gone"), 3: status(3, "gone")}),
            [
                "Read failed: 2 errors, 0 replies by then:",
                "  node 0 (192.0.2.1:3): UNAVAILABLE: gone",
                "  node 2 (192.0.2.1:7): UNAVAILABLE: gone",
            ],
        ),
    ],
)
async def test_failures_name_the_nodes_as_the_prompt_does(
    error: gorums.StatusError | gorums.QuorumCallError, lines: list[str]
) -> None:
    config = gorums.connect(dict(sorted(ADDRESSES.items())))
    await config.close()
    assert failure_lines("Read", error, config) == lines


async def test_no_failed_nodes_give_no_lines() -> None:
    config = gorums.connect(ADDRESSES)
    await config.close()
    assert node_lines({}, config) == []
