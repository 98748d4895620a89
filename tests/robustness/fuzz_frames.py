"""A fuzz target for frames: whatever bytes come, reading them gives messages or `DecodeError`, and nothing else.

The invariant, for any bytes, with batching and without:

- `split` returns at least one message, or raises `DecodeError`;
- what it returns is bounded by what came in: no more messages than bytes, no more payload than bytes, unless none came;
- the messages can be given to a table of pending calls, which hands each one back, drops it, or delivers it, and never
  raises; a call gets at most one reply, or one end;
- what the table hands back has bit 63 set;
- an envelope of what was read, made by the code that sends, is read as the same messages again.

It needs atheris, which is no dependency of the project and exists for some versions of Python only:

    python -m pip install atheris
    python -m tests.robustness.fuzz_frames -max_total_time=60

`make test` does not run it. To run it on one input, such as a crash that it has found:

    python -m tests.robustness.fuzz_frames FILE
"""

from __future__ import annotations

import sys

from google.protobuf.message import DecodeError

from pygorums.streams.pending import PendingCalls
from pygorums.wire.batching import envelope
from pygorums.wire.framing import SERVER_INITIATED, split

__all__ = ["check"]


class _Call:
    """A pending call that counts what it is told."""

    timeout = None
    one_way = withdrawn = decided = False
    frame = b""
    sent_at = 0.0

    def __init__(self, *, streaming: bool) -> None:
        self.streaming = streaming
        self.replies = 0
        self.ends = 0

    def sent(self, node_id: int, /) -> None:
        raise AssertionError("nothing was sent")

    def deliver(self, node_id: int, payload: bytes, /) -> None:
        assert self.ends == 0, "a reply after the end"
        self.replies += 1

    def fail(self, node_id: int, error: Exception, /) -> None:
        self.ends += 1
        str(error)

    def end(self, node_id: int, /) -> None:
        self.ends += 1


def check(data: bytes) -> None:
    """Check the invariant for one input."""
    for batching in (True, False):
        try:
            messages = split(data, batching=batching)
        except DecodeError:
            continue
        assert 1 <= len(messages) <= max(len(data), 1)
        assert sum(len(message.payload) for message in messages) <= len(data)
        calls = {seq_no: _Call(streaming=seq_no % 2 == 0) for seq_no in range(1, 9)}
        calls[SERVER_INITIATED | 1] = _Call(streaming=False)
        pending = PendingCalls(1, 1 << 20)
        for seq_no, call in calls.items():
            pending.add(seq_no, call, 0)
        requests = pending.deliver(messages, 1.0)
        assert all(request.message_seq_no & SERVER_INITIATED for request in requests or ())
        for call in calls.values():
            assert call.ends <= 1
            assert call.streaming or call.replies + call.ends <= 1
        again = split(envelope([message.SerializeToString() for message in messages]), batching=True)
        assert [m.SerializeToString() for m in again] == [m.SerializeToString() for m in messages]


def _main() -> None:
    import atheris  # type: ignore[import-untyped]  # not a dependency, see above

    # protobuf's parser is native code; the project's own is what can be traced.
    atheris.instrument_func(split)
    atheris.instrument_func(PendingCalls.deliver)
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    _main()
