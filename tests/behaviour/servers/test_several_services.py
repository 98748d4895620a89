"""One server of several services: each in an object of its own, or all in one."""

import itertools
from typing import Any

import pytest

import pygorums as gorums
from examples.storage.server import StorageImpl
from examples.storage.storage_gorums import read_rpc, write_rpc
from examples.storage.storage_pb2 import ReadRequest, WriteRequest
from pygorums import gencode
from tests.protos.calls_gorums import ECHO, CallsServer, echo
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.cluster import connected, serving
from tests.support.waiting import within

REPEAT = gorums.Method("others.Repeater.Repeat", gorums.CallType.RPC, Text, Text)
ECHO_OF_OTHERS = gorums.Method("others.Echoes.Echo", gorums.CallType.RPC, Text, Text)


class RepeaterServer(gorums.Service):
    __gorums_methods__ = ((REPEAT, "repeat"),)


class EchoesServer(gorums.Service):
    __gorums_methods__ = ((ECHO_OF_OTHERS, "echo"),)


def both(self: Any) -> None:
    StorageImpl.__init__(self)
    ScriptedCalls.__init__(self, 7)


KINDS = [
    type("StorageFirst", (StorageImpl, ScriptedCalls), {"__init__": both}),
    type("CallsFirst", (ScriptedCalls, StorageImpl), {"__init__": both}),
]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_class_of_two_services_serves_both(kind: type[Any]) -> None:
    async with serving(kind()) as address, connected([address]) as config:
        assert (await within(echo(config[0], Text(text="x")))).number == 7
        assert (await within(write_rpc(config[0], WriteRequest(key="k", value="v")))).new
        assert (await within(read_rpc(config[0], ReadRequest(key="k")))).value == "v"


async def test_a_subclass_of_an_implementation_serves_what_that_serves() -> None:
    class Further(ScriptedCalls):
        pass

    async with serving(Further(3)) as address, connected([address]) as config:
        assert (await within(echo(config[0], Text(text="x")))).number == 3


@pytest.mark.parametrize("bases", [*itertools.permutations([CallsServer, EchoesServer, RepeaterServer])])
def test_two_methods_of_one_name_are_refused(bases: tuple[type, ...]) -> None:
    handlers = dict.fromkeys(["echo", "note", "spread", "ask", "follow", "repeat"], lambda self, ctx, request: request)
    both = type("Both", bases, handlers)
    with pytest.raises(gorums.ConfigurationError, match="give each service a class of its own") as error:
        gorums.Server(both())
    assert ECHO.name in str(error.value)
    assert ECHO_OF_OTHERS.name in str(error.value)
    assert "'echo'" in str(error.value)


async def test_the_two_in_classes_of_their_own_are_served() -> None:
    class Echoes(EchoesServer):
        async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
            return Text(text=request.text, number=2)

    server = gorums.Server(ScriptedCalls(1))
    server.register(Echoes())
    async with server, connected([await server.start("127.0.0.1:0")]) as config:
        assert (await within(echo(config[0], Text()))).number == 1
        assert (await within(gencode.rpc(ECHO_OF_OTHERS, config[0], Text()))).number == 2


def test_a_class_of_no_service_is_refused() -> None:
    class Nothing(gorums.Service):
        pass

    with pytest.raises(gorums.ConfigurationError, match="Nothing has no methods"):
        gorums.Server(Nothing())
