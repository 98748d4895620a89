"""A server in a process, with a tracer of its own: `python -m tests.behaviour.telemetry.relay_process NEXT…`.

It asks the next servers, if there are any, and answers with the traces that they and it belong to, a line for each.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

import pygorums as gorums
from pygorums import telemetry
from tests.protos.calls_gorums import ask
from tests.protos.calls_pb2 import Text
from tests.support.calls import ScriptedCalls
from tests.support.process import ServerProcess

__all__ = ["RelayProcess"]


class RelayProcess(ServerProcess):
    """Runs this module."""

    def __init__(self, *following: str) -> None:
        super().__init__()
        self._following = following

    def command(self) -> Sequence[str]:
        """This module, and the addresses of the next servers."""
        return "tests.behaviour.telemetry.relay_process", *self._following


class _Relay(ScriptedCalls):
    def __init__(self, following: gorums.Configuration | None) -> None:
        super().__init__()
        self._following = following

    async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        own = f"{os.getpid()} {trace.get_current_span().get_span_context().trace_id:032x}"
        if self._following is None:
            return Text(text=own)
        reply = await ask(self._following, request).majority()
        return Text(text=f"{own}\n{reply.text}")


async def _serve(following: Sequence[str]) -> None:
    trace.set_tracer_provider(TracerProvider(shutdown_on_exit=False))
    otel = telemetry.Instrumentation()
    config = gorums.connect(following, observers=[otel.client]) if following else None
    server = gorums.Server(_Relay(config), observers=[otel.server])
    end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    print("listening", await server.start("127.0.0.1:0"), flush=True)
    await end.wait()
    await server.stop()
    if config is not None:
        await config.close()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1:]))
