"""What the errors of calls are, and how a caller finds out what happened."""

import asyncio
import pickle

import grpc
import pytest
from google.rpc.status_pb2 import Status

import pygorums as gorums
from tests.protos.calls_gorums import ask, echo, follow, note, spread
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster, connected
from tests.support.scripted_server import ScriptedServer, answering
from tests.support.waiting import until, within

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


class TestQuorumCallErrors:
    """How a failed call tells of its nodes."""

    ERROR = gorums.IncompleteError(
        "calls.Calls.Ask",
        {
            3: gorums.StatusError(grpc.StatusCode.NOT_FOUND, "no such key", node_id=3),
            1: ConnectionResetError("reset\nby peer"),
        },
        1,
    )

    def test_what_it_is_is_its_class(self) -> None:
        """There is an exception class for each cause, so an `except` clause tells them apart.

        Rows: 236, 237, 241.
        """
        for cause in (gorums.IncompleteError, gorums.QuorumCallError, gorums.GorumsError):
            assert isinstance(self.ERROR, cause)
            assert self.ERROR.caused_by(cause)
        for other in (gorums.SendError, gorums.QuorumTimeoutError, TimeoutError, gorums.StoppedError):
            assert not isinstance(self.ERROR, other)
            assert not self.ERROR.caused_by(other)
        assert not gorums.SendError("calls.Calls.Ask", {}).caused_by(gorums.IncompleteError)

    def test_the_error_of_each_node(self) -> None:
        """Rows: 238, 239, 242."""
        assert set(self.ERROR.node_errors) == {1, 3}
        assert (self.ERROR.method, self.ERROR.replies) == ("calls.Calls.Ask", 1)
        assert self.ERROR.caused_by(grpc.StatusCode.NOT_FOUND)
        assert self.ERROR.caused_by(ConnectionResetError)
        assert self.ERROR.caused_by(OSError), "a superclass will do"
        assert not self.ERROR.caused_by(grpc.StatusCode.ABORTED)
        assert not self.ERROR.caused_by(ConnectionAbortedError)

    def test_errors_behind_errors(self) -> None:
        """Rows: 239."""
        try:
            raise gorums.StatusError(grpc.StatusCode.INTERNAL, "broken") from ZeroDivisionError()
        except gorums.StatusError as error:
            outer = gorums.IncompleteError("m", {1: error})
        assert outer.caused_by(ZeroDivisionError)
        assert outer.caused_by(grpc.StatusCode.INTERNAL)

    def test_what_it_says(self) -> None:
        """Its cause, and a line for each node by ID.

        Rows: 240.
        """
        assert str(self.ERROR).splitlines() == [
            "calls.Calls.Ask: incomplete call (2 errors, 1 reply by then)",
            "  node 1: reset",
            "    by peer",
            "  node 3: NOT_FOUND: no such key",
        ]

    @pytest.mark.parametrize(
        ("kind", "cause"),
        [
            (gorums.IncompleteError, "incomplete call (1 error, 2 replies by then)"),
            (gorums.QuorumTimeoutError, "timed out (1 error, 2 replies by then)"),
            (gorums.SendError, "send failure (1 error, sent to 2 nodes)"),
            (gorums.SendTimeoutError, "timed out while sending (1 error, sent to 2 nodes)"),
        ],
    )
    def test_the_causes(self, kind: type[gorums.QuorumCallError], cause: str) -> None:
        """Rows: 241."""
        assert str(kind("m", {1: OSError("reset")}, 2)) == f"m: {cause}\n  node 1: reset"

    def test_it_can_be_sent_to_another_process(self) -> None:
        copy = pickle.loads(pickle.dumps(self.ERROR))
        assert type(copy) is gorums.IncompleteError
        assert str(copy) == str(self.ERROR)
        assert copy.caused_by(grpc.StatusCode.NOT_FOUND)

    def test_what_callers_do_with_it_does_not_change_it(self) -> None:
        node_errors: dict[int, Exception] = {1: OSError()}
        error = gorums.IncompleteError("m", node_errors)
        node_errors.clear()
        assert set(error.node_errors) == {1}


async def test_a_handler_of_errors(three: Cluster[ScriptedCalls]) -> None:
    """The order of `except` clauses that tells everything apart.

    Rows: 186, 206, 209.
    """

    async def what_happened(text: str) -> str:
        try:
            await ask(three.config, Text(text=text), timeout=0.2).majority()
        except gorums.QuorumTimeoutError as error:
            return f"timed out with {error.replies} replies"
        except gorums.IncompleteError as error:
            if error.caused_by(grpc.StatusCode.FAILED_PRECONDITION):
                return f"refused by {sorted(error.node_errors)}"
            raise
        return "fine"

    assert await within(what_happened("ok ok fail")) == "fine"
    assert await within(what_happened("ok fail fail")) == "refused by [2, 3]"
    assert await within(what_happened("ok silent silent")) == "timed out with 1 replies"


async def test_an_rpc_raises_what_the_node_answered(one: Cluster[ScriptedCalls]) -> None:
    """Rows: 186."""
    with pytest.raises(gorums.StatusError, match="server 1 refuses") as error:
        await within(echo(one.node, Text(text="fail")))
    assert error.value.code == grpc.StatusCode.FAILED_PRECONDITION
    assert error.value.node_id == 1


async def test_an_rpc_that_has_no_time(one: Cluster[ScriptedCalls]) -> None:
    """Rows: 188."""
    for timeout in (0, 0.05):
        with pytest.raises(gorums.CallTimeoutError) as error:
            await within(echo(one.node, Text(text="silent"), timeout=timeout))
        assert isinstance(error.value, TimeoutError)
        assert error.value.code == grpc.StatusCode.DEADLINE_EXCEEDED
    with pytest.raises(TimeoutError) as outside:
        async with asyncio.timeout(0.05):
            await echo(one.node, Text(text="silent"))
    assert not isinstance(outside.value, gorums.GorumsError), "that time was the caller's own"
    assert one.node.pending == 0


GARBAGE = b"\xff\xff\xff"


async def test_a_reply_of_another_type() -> None:
    """It fails the call at that node alone; the type of replies is that of the method, whatever the node thinks.

    Rows: 189, 221.
    """
    answers = {
        "calls.Calls.Echo": lambda payload: GARBAGE,
        "calls.Calls.Ask": lambda payload: GARBAGE,
        "calls.Calls.Follow": lambda payload: GARBAGE,
    }
    good = {"calls.Calls.Ask": lambda payload: payload}
    async with (
        ScriptedServer(answering(answers)) as bad_server,
        ScriptedServer(answering(good)) as good_server,
        connected([bad_server.address, good_server.address]) as config,
    ):
        with pytest.raises(gorums.StatusError, match=r"the reply to calls\.Calls\.Echo is not a calls\.Text") as rpc:
            await within(echo(config[0], Text(text="x")))
        assert rpc.value.code == grpc.StatusCode.INTERNAL
        assert rpc.value.node_id == 1
        assert (await within(ask(config, Text(text="x")).first())).text == "x"
        responses = {r.node_id: r async for r in ask(config, Text(text="x"))}
        assert isinstance(responses[1].error, gorums.StatusError)
        assert responses[2].error is None
        with pytest.raises(gorums.IncompleteError, match=r"is not a calls\.Text"):
            await within(follow(config[:1], Text(text="x")).first())


async def test_a_status_without_a_name() -> None:
    """Rows: 186."""
    strange = {"calls.Calls.Echo": lambda payload: Status(code=99, message="strange")}
    async with ScriptedServer(answering(strange)) as server, connected([server.address]) as config:
        with pytest.raises(gorums.StatusError, match="strange") as error:
            await within(echo(config[0], Text()))
    assert error.value.code == grpc.StatusCode.UNKNOWN


async def test_one_way_errors_hold_those_of_the_nodes(three: Cluster[ScriptedCalls]) -> None:
    """Of a unicast as of a multicast.

    Rows: 195, 197.
    """
    await three.servers[1].stop()
    await until(lambda: not three.config[1].connected)
    for call in (note(three.config[1], Text()), spread(three.config, Text())):
        with pytest.raises(gorums.SendError) as error:
            await within(call)
        assert set(error.value.node_errors) == {2}
        assert error.value.caused_by(UNAVAILABLE)
        assert error.value.caused_by(gorums.StreamDownError)
        assert not isinstance(error.value, TimeoutError)


@pytest.mark.parametrize("with_interceptor", [False, True])
async def test_one_way_calls_that_have_no_time(one: Cluster[ScriptedCalls], with_interceptor: bool) -> None:
    """To nodes that are still being connected.

    Rows: 196, 198.
    """
    chain = [gorums.map_request(lambda request, node: request)] if with_interceptor else []
    async with gorums.connect(one.addresses) as config:
        assert not config[0].connected
        for call in (
            note(config[0], Text(), timeout=0, interceptors=chain),
            spread(config, Text(), timeout=0, interceptors=chain),
        ):
            with pytest.raises(gorums.SendTimeoutError) as error:
                await within(call)
            assert isinstance(error.value, TimeoutError)
            assert isinstance(error.value, gorums.SendError)
            assert error.value.caused_by(grpc.StatusCode.DEADLINE_EXCEEDED)
            assert f"node 1: DEADLINE_EXCEEDED: not sent to {one.addresses[0]} within 0 s" in str(error.value)
