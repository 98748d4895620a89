"""What is left of gRPC's server when it has ended."""

from typing import Any

import grpc.aio

from pygorums.serving.grpc_listener import let_go


async def test_coroutines_that_never_began_are_closed() -> None:
    """Otherwise Python warns that nobody has awaited them, which is an error here."""
    server = grpc.aio.server()
    begin: Any = server._server.start()  # type: ignore[attr-defined]  # grpc's own coroutine, as those that are held
    assert type(begin).__module__.startswith("_cython")
    held = [begin, object()]
    del begin
    let_go(held)
    assert held == []
