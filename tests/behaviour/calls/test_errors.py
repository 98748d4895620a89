"""Errors: what they are, what they say, and how they are told apart."""

import pickle

import grpc
import pytest

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster
from tests.support.waiting import within

NOT_FOUND = grpc.StatusCode.NOT_FOUND
REFUSED = grpc.StatusCode.FAILED_PRECONDITION
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("name", "bases"),
    [
        ("GorumsError", [Exception]),
        ("ConfigurationError", [gorums.GorumsError, ValueError]),
        ("StatusError", [gorums.GorumsError, grpc.RpcError]),
        ("QuorumCallError", [gorums.GorumsError]),
        ("IncompleteError", [gorums.QuorumCallError]),
        ("QuorumTimeoutError", [gorums.IncompleteError, TimeoutError]),
        ("SendError", [gorums.QuorumCallError]),
        ("NodeClosedError", [gorums.StatusError]),
        ("StreamDownError", [gorums.StatusError]),
    ],
)
def test_the_hierarchy(name: str, bases: list[type[Exception]]) -> None:
    """Rows: 241."""
    assert name in gorums.__all__
    error = getattr(gorums, name)
    assert all(issubclass(error, base) for base in bases)
    assert error.__doc__


def test_too_few_replies_is_not_always_a_timeout() -> None:
    assert not issubclass(gorums.IncompleteError, TimeoutError)


def test_a_status_error() -> None:
    error = gorums.StatusError(NOT_FOUND, "no such key")
    assert error.code == NOT_FOUND
    assert error.message == "no such key"
    assert tuple(error.details) == ()
    assert error.node_id is None
    assert "no such key" in str(error)
    assert "NOT_FOUND" in str(error)


def test_a_status_error_read_as_an_error_of_grpc() -> None:
    error = gorums.StatusError(NOT_FOUND, "no such key")
    assert error.code() is NOT_FOUND
    assert error.details() == "no such key"


def test_ok_is_not_an_error() -> None:
    with pytest.raises(ValueError, match="OK"):
        gorums.StatusError(grpc.StatusCode.OK, "fine")


def test_a_status_error_can_be_pickled() -> None:
    error = gorums.StatusError(NOT_FOUND, "no such key", [Text(text="detail")])
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.code(), copy.message, list(copy.details)) == (
        NOT_FOUND,
        "no such key",
        [Text(text="detail")],
    )


async def incomplete(cluster: Cluster[ScriptedCalls], text: str) -> gorums.IncompleteError:
    with pytest.raises(gorums.IncompleteError) as error:
        await within(ask(cluster.config, Text(text=text), timeout=0.25).all())
    return error.value


async def test_a_quorum_call_names_its_method_and_its_nodes(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 206, 238, 242."""
    with pytest.raises(gorums.IncompleteError) as caught:
        await within(ask(three.config, Text(text="ok fail fail")).majority())
    error = caught.value
    assert error.method == "calls.Calls.Ask"
    assert error.replies in (0, 1)
    assert set(error.node_errors) == {2, 3}
    for node_id, cause in error.node_errors.items():
        assert isinstance(cause, gorums.StatusError)
        assert (cause.node_id, cause.code(), cause.message) == (node_id, REFUSED, f"server {node_id} refuses")
    first, *lines = str(error).splitlines()
    assert "calls.Calls.Ask" in first
    assert len(lines) == 2
    for line, node in zip(lines, three.config[1:], strict=True):
        assert str(node.id) in line
        assert f"server {node.id} refuses" in line


async def test_silent_nodes_have_timed_out(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 209."""
    error = await incomplete(three, "ok silent silent")
    assert isinstance(error, gorums.QuorumTimeoutError)
    assert isinstance(error, TimeoutError)
    assert error.replies == 1
    assert set(error.node_errors) == {2, 3}
    for node_id, cause in error.node_errors.items():
        assert isinstance(cause, TimeoutError)
        assert isinstance(cause, gorums.StatusError)
        assert cause.node_id == node_id
    assert len(str(error).splitlines()) == 3


async def test_failed_and_silent_nodes_together(three: Cluster[ScriptedCalls]) -> None:
    with pytest.raises(gorums.QuorumTimeoutError) as error:
        await within(ask(three.config, Text(text="fail silent ok"), timeout=0.25).majority())
    causes = error.value.node_errors
    assert set(causes) == {1, 2}
    assert not isinstance(causes[1], TimeoutError)
    assert isinstance(causes[2], TimeoutError)


async def test_caused_by(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 236, 239."""
    error = await incomplete(three, "ok fail ok")
    assert error.caused_by(REFUSED)
    assert error.caused_by(gorums.StatusError)
    assert error.caused_by(grpc.RpcError)
    assert error.caused_by(gorums.IncompleteError)
    assert not error.caused_by(UNAVAILABLE)
    assert not error.caused_by(TimeoutError)
    assert not error.caused_by(gorums.SendError)
    timed_out = await incomplete(three, "ok silent ok")
    assert timed_out.caused_by(TimeoutError)
    assert timed_out.caused_by(grpc.StatusCode.DEADLINE_EXCEEDED)


async def test_the_error_of_a_node_that_is_down_names_it(three: Cluster[ScriptedCalls]) -> None:
    """Rows: 187, 195, 197."""
    await three.servers[1].stop()
    node = three.config[1]
    with pytest.raises(gorums.StatusError) as rpc:
        await within(echo(node, Text(text="x")))
    with pytest.raises(gorums.SendError) as unicast:
        await within(note(node, Text(text="x")))
    with pytest.raises(gorums.SendError) as multicast:
        await within(spread(three.config, Text(text="x")))
    with pytest.raises(gorums.IncompleteError) as quorum:
        await within(ask(three.config, Text(text="x")).all())
    assert rpc.value.node_id == node.id
    assert rpc.value.code == UNAVAILABLE
    for error in (rpc.value, unicast.value, multicast.value, quorum.value):
        assert node.address in str(error), repr(error)
    for failed in (unicast.value, multicast.value, quorum.value):
        assert list(failed.node_errors) == [node.id]
        assert failed.caused_by(UNAVAILABLE)
        assert failed.caused_by(gorums.StatusError)


async def test_incomplete_error_of_responses(three: Cluster[ScriptedCalls]) -> None:
    responses = ask(three.config, Text(text="ok fail silent"), timeout=0.25)
    read = [r.node_id async for r in responses.ignore_errors()]
    error = gorums.IncompleteError.of(responses)
    assert read == [1]
    assert error.method == "calls.Calls.Ask"
    assert set(error.node_errors) == {2, 3}
    assert isinstance(error, gorums.QuorumTimeoutError)
