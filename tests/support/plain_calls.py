"""A server of the test service whose handlers are plain functions; requests tell it what to do.

The words are those of `tests.support.calls`: ok, fail, silent, hold:NAME and hold-free:NAME, one for all servers or one
for each. Handlers that wait block their threads until the test opens their gate, or is over.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import grpc

import pygorums as gorums
from tests.protos.calls_gorums import CallsServer
from tests.protos.calls_pb2 import Text
from tests.support.waiting import LIMIT


def until(condition: Callable[[], object], what: str = "") -> None:
    """Waits for a condition that nothing announces, looking again every few milliseconds."""
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, f"still not true after {LIMIT} s: {what or condition}"
        threading.Event().wait(0.005)


class PlainCalls(CallsServer):
    """Behaves as the requests say.

    Attributes:
        number: the server's place in its cluster, from 1; it is in every reply.
        seen: texts of the requests whose handlers have started, in order.
        contexts: what came with them.
        threads: the names of the threads that they ran in.
        gates: what handlers wait for, by name.
        nested: makes the reply of `echo` to the text "nested", in the handler's thread.
    """

    def __init__(self, number: int = 1) -> None:
        self.number = number
        self.seen: list[str] = []
        self.contexts: list[gorums.ServerContext] = []
        self.threads: set[str] = set()
        self.gates: defaultdict[str, threading.Event] = defaultdict(threading.Event)
        self.nested: Callable[[Any], str] = lambda ctx: ""
        self._changed = threading.Condition()
        self._over = False

    def has_seen(self, text: str) -> None:
        """Waits until a request with this text has come."""
        with self._changed:
            assert self._changed.wait_for(lambda: text in self.seen, LIMIT), f"{text!r} has not come"

    def open_all(self) -> None:
        """Ends every wait of every handler."""
        for gate in list(self.gates.values()):
            gate.set()

    def end_waits(self) -> None:
        """Ends every wait of every handler, also of those that start later: the test is over."""
        with self._changed:
            self._over = True
            self.open_all()

    def _gate(self, name: str) -> threading.Event:
        with self._changed:
            gate = self.gates[name]
            if self._over:
                gate.set()
            return gate

    def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        if request.text == "nested":
            ctx.release()
            return Text(text=self.nested(ctx))
        return self._answer(ctx, request)

    def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return self._answer(ctx, request)

    def note(self, ctx: gorums.ServerContext, request: Text) -> None:
        self._answer(ctx, request)

    def spread(self, ctx: gorums.ServerContext, request: Text) -> None:
        self._answer(ctx, request)

    def follow(self, ctx: gorums.ServerContext, request: Text) -> Iterator[Text]:
        self._note(ctx, request)
        for index in range(1, request.number + 1):
            self._act(ctx, request)
            yield Text(text=request.text, number=index)

    def _answer(self, ctx: gorums.ServerContext, request: Text) -> Text:
        self._note(ctx, request)
        self._act(ctx, request)
        return Text(text=request.text, number=self.number, data=request.data)

    def _note(self, ctx: gorums.ServerContext, request: Text) -> None:
        with self._changed:
            self.contexts.append(ctx)
            self.threads.add(threading.current_thread().name)
            self.seen.append(request.text)
            self._changed.notify_all()

    def _act(self, ctx: gorums.ServerContext, request: Text) -> None:
        words = request.text.split()
        word = words[self.number - 1] if len(words) >= self.number else "".join(words[:1])
        kind, _, name = word.partition(":")
        if kind == "fail":
            raise gorums.StatusError(grpc.StatusCode.FAILED_PRECONDITION, f"server {self.number} refuses")
        if kind in ("silent", "hold-free"):
            ctx.release()
        if kind in ("silent", "hold", "hold-free"):
            self._gate(name or kind).wait(LIMIT)
