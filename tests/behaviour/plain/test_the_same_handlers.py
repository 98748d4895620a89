"""What handlers do is the same for plain clients and for ours: one table for both."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

import pygorums as gorums
from tests.behaviour.plain.clients import Outcome, client
from tests.protos.calls_gorums import CallsServer
from tests.protos.calls_pb2 import Text

KINDS = ("stream", "plain")


class Odd(CallsServer):
    """Does what the text says; `echo` may be in a thread."""

    def echo(self, ctx: gorums.ServerContext, request: Text) -> Any:
        match request.text:
            case "status":
                raise gorums.StatusError(
                    grpc.StatusCode.ABORTED, "no, 100 % – niemals", [Text(text="one"), Text(text="two")]
                )
            case "error":
                raise LookupError("secret")
            case "todo":
                raise NotImplementedError
            case "wrong":
                return 5
            case "who":
                return Text(text=ctx.metadata["who"])
            case "added":
                return Text(text=ctx.metadata["added"])
            case "peer":
                return Text(text=f"{ctx.peer_id} {ctx.method} {ctx.server.address == ctx.server.address}")
            case "release":
                ctx.release()
                ctx.release()
        return Text(text=request.text)

    async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return request

    async def follow(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Any]:
        for n in range(request.number):
            yield Text(text=f"{request.text} {n}")
        if request.text == "fail":
            raise gorums.StatusError(grpc.StatusCode.DATA_LOSS, "so far", [Text(text="why")])
        if request.text == "wrong":
            yield "a string"

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None: ...

    async def spread(self, ctx: gorums.ServerContext, request: Text) -> None: ...


async def interceptor(ctx: gorums.ServerContext, request: Any, call_next: Any) -> Any:
    ctx.add_metadata("added", "by an interceptor")
    if request.text == "refused":
        raise gorums.StatusError(grpc.StatusCode.PERMISSION_DENIED, "not you")
    if request.text == "changed":
        request = Text(text="status")
    return await call_next(ctx, request)


WRONG = "TypeError: the handler of calls.Calls.{} must return a calls.Text, it returned a {}"

UNARY = {
    "ok": Outcome(("ok",)),
    "": Outcome(("",)),
    "status": Outcome((), "ABORTED", "no, 100 % – niemals", ("one", "two")),
    "error": Outcome((), "UNKNOWN", "secret"),
    "todo": Outcome((), "UNIMPLEMENTED", "calls.Calls.Echo is not implemented"),
    "wrong": Outcome((), "UNKNOWN", WRONG.format("Echo", "int").removeprefix("TypeError: ")),
    "who": Outcome(("a client",)),
    "added": Outcome(("by an interceptor",)),
    "peer": Outcome(("None calls.Calls.Echo True",)),
    "release": Outcome(("release",)),
    "refused": Outcome((), "PERMISSION_DENIED", "not you"),
    "changed": Outcome((), "ABORTED", "no, 100 % – niemals", ("one", "two")),
}

STREAMING = {
    ("all", 3): Outcome(("all 0", "all 1", "all 2")),
    ("none", 0): Outcome(),
    ("fail", 2): Outcome(("fail 0", "fail 1"), "DATA_LOSS", "so far", ("why",)),
    ("wrong", 1): Outcome(("wrong 0",), "UNKNOWN", WRONG.format("Follow", "str").removeprefix("TypeError: ")),
}


def server(**options: Any) -> gorums.Server:
    return gorums.Server(Odd(), address="127.0.0.1:0", plain=True, **options)


@pytest.mark.parametrize("kind", KINDS)
async def test_methods_with_one_reply(kind: str) -> None:
    async with server(interceptors=[interceptor]) as served, client(kind, served.address) as one:
        assert {text: await one.echo(text) for text in UNARY} == UNARY


@pytest.mark.parametrize("kind", KINDS)
async def test_methods_with_several(kind: str) -> None:
    async with server() as served, client(kind, served.address) as one:
        assert {each: await one.follow(*each) for each in STREAMING} == STREAMING


@pytest.mark.parametrize("kind", KINDS)
async def test_errors_are_hidden(kind: str) -> None:
    async with server(hide_errors=True) as served, client(kind, served.address) as one:
        assert await one.echo("error") == Outcome((), "UNKNOWN", "LookupError")
        assert (await one.echo("status")).details == ("one", "two")


@pytest.mark.parametrize("kind", KINDS)
async def test_authorize_judges(kind: str) -> None:
    claims: list[gorums.Claim] = []

    async def authorize(claim: gorums.Claim) -> None:
        claims.append(claim)
        if claim.metadata.get("token") != "good":
            raise gorums.StatusError(grpc.StatusCode.UNAUTHENTICATED, "who is that?", [Text(text="a detail")])

    async with server(authorize=authorize) as served:
        async with client(kind, served.address, {"token": "good"}) as one:
            assert await one.echo("ok") == Outcome(("ok",))
        if kind == "plain":  # a stream that is refused is a node that is down
            async with client(kind, served.address) as one:
                assert await one.echo("ok") == Outcome((), "UNAUTHENTICATED", "who is that?", ("a detail",))
    assert claims[0].node_id is None
    assert claims[0].address.startswith("127.0.0.1:")
    assert dict(claims[0].auth_context) == {}
