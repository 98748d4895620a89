"""What is left of gRPC's server when it has ended."""

from collections.abc import Callable
from typing import Any

import grpc.aio
import pytest

from pygorums.transports.grpc.listener import let_go


@pytest.mark.parametrize("hold", [lambda each: each, lambda each: (each,)], ids=["itself", "what-holds-it"])
async def test_coroutines_that_never_began_are_closed(hold: Callable[[Any], Any]) -> None:
    """Otherwise Python warns that nobody has awaited them, which is an error here."""
    server = grpc.aio.server()
    begin: Any = server._server.start()  # type: ignore[attr-defined]  # grpc's own coroutine, as those that are held
    assert type(begin).__module__.startswith("_cython")
    held = [hold(begin), object()]
    del begin
    let_go(held)
    assert held == []
