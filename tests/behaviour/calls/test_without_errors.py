"""Failed calls, and trying again without the nodes that failed."""

import grpc
import pytest

import pygorums as gorums
from pygorums.base.errors import ErrorKind
from tests.protos.calls_gorums import ask, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster
from tests.support.nowhere import unreachable
from tests.support.waiting import until, within

ABORTED, UNAVAILABLE = grpc.StatusCode.ABORTED, grpc.StatusCode.UNAVAILABLE


class BrokenError(Exception):
    """What an interceptor of a user may raise for a node."""


def wrapped() -> Exception:
    try:
        raise gorums.StatusError(ABORTED, "no") from BrokenError("inner")
    except gorums.StatusError as error:
        return error


ERROR = gorums.QuorumCallError(
    "calls.Calls.Ask",
    {
        1: gorums.StatusError(ABORTED, "try again"),
        2: gorums.CallTimeoutError("too slow"),
        3: gorums.StreamDownError("gone"),
        4: BrokenError(),
        5: wrapped(),
    },
)


@pytest.mark.parametrize(
    ("kinds", "left"),
    [
        ((), [6]),
        ((ABORTED,), [2, 3, 4, 6]),
        ((gorums.StatusError(ABORTED).code,), [2, 3, 4, 6]),
        ((TimeoutError,), [1, 3, 4, 5, 6]),
        ((grpc.StatusCode.DEADLINE_EXCEEDED,), [1, 3, 4, 5, 6]),
        ((gorums.StreamDownError,), [1, 2, 4, 5, 6]),
        ((UNAVAILABLE,), [1, 2, 4, 5, 6]),
        ((BrokenError,), [1, 2, 3, 6]),
        ((UNAVAILABLE, TimeoutError, BrokenError), [1, 6]),
        ((gorums.StatusError,), [4, 6]),
        ((grpc.RpcError,), [4, 6]),
        ((Exception,), [6]),
        ((grpc.StatusCode.NOT_FOUND, KeyError), [1, 2, 3, 4, 5, 6]),
    ],
)
async def test_which_nodes_are_left_out(kinds: tuple[ErrorKind, ...], left: list[int]) -> None:
    """A node is left out for its own error, and for what that was raised from.

    Rows: 166, 239.
    """
    async with unreachable(6) as config:
        assert list(config.without_errors(ERROR, *kinds).node_ids) == left
        assert list(config[::-1].without_errors(ERROR, *kinds).node_ids) == left[::-1]
        assert len(config) == 6


async def test_an_error_without_nodes_leaves_out_nobody() -> None:
    """Rows: 167."""
    async with unreachable(3) as config:
        nobody_failed = gorums.QuorumCallError("calls.Calls.Ask", {})
        assert config.without_errors(nobody_failed) == config
        assert config.without_errors(nobody_failed, TimeoutError) == config


@pytest.mark.parametrize("kind", ["UNAVAILABLE", 14, None, ABORTED.value, OSError("an instance")])
async def test_what_is_no_kind_of_error(kind: object) -> None:
    async with unreachable(3) as config:
        with pytest.raises(TypeError, match=r"exception class or a grpc.StatusCode"):
            config.without_errors(ERROR, kind)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"exception class or a grpc.StatusCode"):
        ERROR.caused_by(kind)  # type: ignore[arg-type]


async def test_trying_again_without_the_nodes_that_failed(three: Cluster[ScriptedCalls]) -> None:
    """The recipe: leave out what failed, and call the others with a threshold that still intersects.

    Rows: 166, 206.
    """
    everybody, quorum = three.config, 2
    request = Text(text="fail ok ok")
    with pytest.raises(gorums.IncompleteError) as error:
        await within(ask(everybody, request).all())
    rest = everybody.without_errors(error.value)
    assert rest.node_ids == (2, 3)
    assert (await within(ask(rest, request).threshold(quorum))).number in (2, 3)


async def test_leaving_out_the_slow_ones_only(three: Cluster[ScriptedCalls]) -> None:
    """Silent nodes are among the errors, as timeouts.

    Rows: 166, 209.
    """
    with pytest.raises(gorums.QuorumTimeoutError) as error:
        await within(ask(three.config, Text(text="fail silent ok"), timeout=0.2).majority())
    assert three.config.without_errors(error.value, TimeoutError).node_ids == (1, 3)
    assert three.config.without_errors(error.value).node_ids == (3,)


async def test_after_a_multicast(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 195."""
    await three.servers[1].stop()
    await until(lambda: not three.config[1].connected)
    with pytest.raises(gorums.SendError) as error:
        await within(spread(three.config, Text(text="x")))
    rest = three.config.without_errors(error.value, UNAVAILABLE)
    assert rest.node_ids == (1, 3)
    await within(spread(rest, Text(text="y")))
