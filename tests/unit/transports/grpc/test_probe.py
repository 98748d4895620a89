"""Whether an acceptor that says nothing will: what its answer to a question beside the stream means."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import grpc.aio
import pytest

from pygorums.transports.grpc.transport import GrpcConnector
from pygorums.wire.handshake import CONFIRMS, PROBE, Pairs
from tests.support.waiting import within


class Silent(grpc.GenericRpcHandler):
    """Says nothing on streams, and answers the question with a code."""

    def __init__(self, code: grpc.StatusCode, trailers: Pairs) -> None:
        self._code = code
        self._trailers = trailers

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any]:
        if details.method == PROBE:
            return grpc.unary_unary_rpc_method_handler(self._answer)
        return grpc.stream_stream_rpc_method_handler(self._stream)

    async def _answer(self, _: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
        if self._code is grpc.StatusCode.OK:
            context.set_trailing_metadata(self._trailers)
            return b""
        await context.abort(self._code, "", self._trailers)
        raise AssertionError

    async def _stream(self, _: object, context: object) -> None:
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("code", "trailers", "silent"),
    [
        (grpc.StatusCode.UNIMPLEMENTED, CONFIRMS, False),
        (grpc.StatusCode.OK, CONFIRMS, False),
        (grpc.StatusCode.UNIMPLEMENTED, (), True),
        (grpc.StatusCode.OK, (), True),
        (grpc.StatusCode.NOT_FOUND, (("pygorums-confirms", "0"),), True),
        (grpc.StatusCode.UNAVAILABLE, (), False),
    ],
)
async def test_only_who_answers_can_say_no(code: grpc.StatusCode, trailers: Pairs, silent: bool) -> None:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Silent(code, trailers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    connector = GrpcConnector(f"127.0.0.1:{port}", None, ())
    connector.probe_after = 0
    transport = connector(())
    try:
        await within(transport.opened())
        assert transport.silent is silent
    finally:
        await transport.close()
        await server.stop(0)
