"""What of ours can be sent to another process, or copied, and what says that it cannot."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage

import pygorums as gorums
from tests.protos import calls_gorums
from tests.protos.calls_gorums import ASK, NOTE, ask
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.nowhere import NOWHERE, unreachable
from tests.support.waiting import within


class StrangeError(Exception):
    """It can be pickled and not be unpickled: its arguments are others."""

    def __init__(self, code: int, kept: object) -> None:
        super().__init__(f"strange {code}")
        self.kept = kept


def packed(message: Text) -> AnyMessage:
    holder = AnyMessage()
    holder.Pack(message)
    return holder


NODE_ERRORS: dict[int, Exception] = {
    1: gorums.StatusError(grpc.StatusCode.NOT_FOUND, "no such key", [Text(text="d"), packed(Text())], node_id=1),
    2: gorums.CallTimeoutError("late", node_id=2),
    3: ConnectionResetError(104, "reset"),
    4: gorums.RejectedError("its reply was rejected by a filter"),
}
ERRORS: list[Exception] = [
    *NODE_ERRORS.values(),
    gorums.StatusError(grpc.StatusCode.ABORTED),
    gorums.NodeClosedError("closed", node_id=4),
    gorums.StreamDownError("down"),
    gorums.ConfigurationError("empty"),
    gorums.StoppedError("stopped"),
    gorums.GorumsError("base"),
    gorums.QuorumCallError("m", NODE_ERRORS, 2),
    gorums.IncompleteError("m", NODE_ERRORS, 2, "incomplete call: for a reason of its own"),
    gorums.QuorumTimeoutError("m", {}, 0),
    gorums.SendError("m", NODE_ERRORS, 1),
    gorums.SendTimeoutError("m", NODE_ERRORS),
]


def pickled(protocol: int) -> Callable[[Any], Any]:
    return lambda item: pickle.loads(pickle.dumps(item, protocol))


WAYS: dict[str, Callable[[Any], Any]] = {
    **{f"protocol {number}": pickled(number) for number in range(pickle.HIGHEST_PROTOCOL + 1)},
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


def told(error: Exception) -> list[Any]:
    """All that an error says."""
    values = [type(error), str(error), error.args[:1], getattr(error, "__notes__", None)]
    values += [getattr(error, name, None) for name in ("message", "node_id", "method", "replies", "cause")]
    if isinstance(error, gorums.StatusError):
        values += [error.code(), error.code, error.details(), tuple(error.details)]
    for node_error in getattr(error, "node_errors", {}).values():
        values += told(node_error)
    return values


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_say_the_same_afterwards(error: Exception, way: str) -> None:
    try:
        raise error
    except Exception as raised:
        copied = WAYS[way](raised)
    assert copied is not error
    assert told(copied) == told(error)
    assert copied.__traceback__ is None


def test_an_error_of_a_node_that_cannot_be_pickled() -> None:
    """It must not keep the call's error from another process."""
    for strange in (StrangeError(7, None), StrangeError(7, lambda: None)):
        error = gorums.IncompleteError("m", {1: OSError("down"), 2: strange}, 1)
        copied = pickle.loads(pickle.dumps(error))
        assert str(copied).splitlines()[:2] == str(error).splitlines()[:2]
        assert str(copied.node_errors[2]) == "StrangeError: strange 7"
        assert isinstance(copied.node_errors[1], OSError)
        assert copy.copy(error).node_errors[2] is strange


@pytest.mark.parametrize("way", WAYS)
def test_methods_keep_their_identity(way: str) -> None:
    for method in (ASK, NOTE):
        assert WAYS[way](method) is method
    assert WAYS[way]({"method": ASK})["method"] is calls_gorums.ASK


TYPED = gorums.Method[Text, Text]("a.B.C", gorums.CallType.RPC, Text, Text)


def test_what_is_made_with_its_types() -> None:
    assert pickle.loads(pickle.dumps(TYPED)) is TYPED
    assert gorums.NodeResponse[int](1, 2) == gorums.NodeResponse(1, 2)


def test_a_method_that_is_no_constant() -> None:
    method = gorums.Method("m", gorums.CallType.RPC, Text, Text)
    assert copy.deepcopy(method) is copy.copy(method) is method
    with pytest.raises(pickle.PicklingError, match=f"m cannot be pickled: it is no constant of {__name__}"):
        pickle.dumps(method)


@pytest.mark.parametrize("way", [way for way in WAYS if "protocol" in way])
async def test_connections_say_that_they_cannot(way: str) -> None:
    async with unreachable(3) as config, gorums.Server(ScriptedCalls()) as server:
        responses = ask(config, Text()).send()
        correctable = ask(config, Text()).correctable(1)
        for item in (config, config[0], responses, correctable, server):
            with pytest.raises(TypeError, match=f"a {type(item).__name__} of pygorums cannot be pickled"):
                WAYS[way](item)
        correctable.cancel()
        sequence = responses.results()
        with pytest.raises(TypeError, match="a ResponseSeq of pygorums cannot be pickled"):
            WAYS[way](sequence)
        await within(sequence.aclose())


def test_blocking_connections_say_that_they_cannot() -> None:
    with gorums.sync.connect(NOWHERE[:3]) as config, gorums.sync.Server(ScriptedCalls()) as server:
        responses = ask(config, Text()).send()
        for item in (config, config[0], responses, server):
            with pytest.raises(TypeError, match=f"a {type(item).__name__} of pygorums cannot be pickled"):
                pickle.dumps(item)
        with pytest.raises(TypeError, match="a ResponseSeq of pygorums"):
            pickle.dumps(responses.results())


async def test_copies_of_what_never_changes() -> None:
    async with unreachable(3) as config:
        for item in (config, config[0]):
            assert copy.copy(item) is copy.deepcopy(item) is item
        assert copy.deepcopy([config])[0] is config
