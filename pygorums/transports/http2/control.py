"""What a connection knows and does besides data and fields: settings, windows, pings, resets, farewells."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

from pygorums.transports.http2.codes import (
    ACK,
    DEFAULT_FRAME_SIZE,
    DEFAULT_WINDOW,
    ENABLE_PUSH,
    GOAWAY,
    HEADER_TABLE_SIZE,
    INITIAL_WINDOW_SIZE,
    LARGEST_FRAME_SIZE,
    LARGEST_STREAM_ID,
    LARGEST_WINDOW,
    MAX_CONCURRENT_STREAMS,
    MAX_FRAME_SIZE,
    MAX_HEADER_LIST_SIZE,
    PING,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    ErrorCode,
)
from pygorums.transports.http2.compression import FieldReader, FieldWriter
from pygorums.transports.http2.events import Answered, Event, GoingAway, PingAnswered, Writable
from pygorums.transports.http2.faults import GoAwayError, ResetError
from pygorums.transports.http2.frames import SETTINGS_ACK, ping, settings, window_update
from pygorums.transports.http2.limits import Allowance, Limits
from pygorums.transports.http2.past import Past
from pygorums.transports.http2.status import of_reset
from pygorums.transports.http2.stream import Stream

__all__ = ["Control"]

S = TypeVar("S", bound=Stream)

_COST_OF_RESET = 5
"""A stream that was begun and taken back has made work."""

_settings_pairs = struct.Struct(">HI").iter_unpack


class Control(Generic[S]):
    """The state of a connection, and what frames about the connection do to it.

    The attributes without an underscore that have no docstring are for streams, not for owners.
    """

    def __init__(self, limits: Limits, role: tuple[tuple[int, int], ...]) -> None:
        self.limits = limits
        self.streams: dict[int, S] = {}
        """The streams that are not over, by their IDs."""
        self.ended = False
        """Whether the connection is over: what comes is ignored, and nothing follows what is to be taken."""
        self.answered = False
        """Whether the peer has acknowledged our settings."""
        self.going_away = False
        """Whether the peer takes no new streams."""
        self.last_received: float | None = None
        """When bytes came last, however few: the peer lives."""
        # What we write.
        self.out: list[bytes | memoryview] = []
        self.held_back = False
        """Whether messages wait for `resume`, and not for the peer."""
        self.burst = limits.max_burst  # what may be written before the next `take`
        self.unread = 0  # bytes of answers since the owner took some
        self.writer = FieldWriter()
        self.frame_size = DEFAULT_FRAME_SIZE
        self.room = DEFAULT_WINDOW  # what the peer lets us send, in all streams together
        self.peer_stream_window = DEFAULT_WINDOW
        self.peer_max_streams = LARGEST_WINDOW
        self.peer_max_header_list: int | None = None
        self.blocked: dict[Stream, None] = {}  # streams that wait for windows, in order
        # What we read.
        self.reader = FieldReader(limits.max_header_list)
        self.past = Past()
        self.progress = 0  # see Allowance
        self.unconsumed = 0
        self.partial = 0
        self._allowance = Allowance(limits.idle_frames, limits.idle_frames_per_second)
        # Until the peer knows better it may use the window that HTTP/2 begins with.
        self.stream_window = max(limits.stream_window, DEFAULT_WINDOW)
        self.whole_window = max(limits.connection_window, DEFAULT_WINDOW)
        self.stream_half = self.stream_window // 2
        self.whole_half = self.whole_window // 2
        self.window = self.whole_window
        ours = (
            *role,
            (INITIAL_WINDOW_SIZE, limits.stream_window),
            (MAX_FRAME_SIZE, limits.max_frame),
            (MAX_HEADER_LIST_SIZE, limits.max_header_list),
        )
        self.out.append(settings(ours))
        if self.whole_window > DEFAULT_WINDOW:
            self.out.append(window_update(0, self.whole_window - DEFAULT_WINDOW))

    def take(self) -> list[bytes | memoryview]:
        """What is to be written, in order; it is the caller's from now on.

        An owner takes nothing while its socket does not take what it has: then a peer that does not read is noticed.
        """
        out = self.out
        self.out = []
        self.unread = 0
        self.burst = self.limits.max_burst
        return out

    def resume(self) -> list[Event]:
        """Write more of what is `held_back`, now that the socket has taken what was written before.

        Returns:
            The streams that have become writable.
        """
        events: list[Event] = []
        self.held_back = False
        self.unblock(events)
        return events

    def ping(self, payload: bytes) -> None:
        """Ask the peer for a sign of life; `PingAnswered` has the same eight bytes.

        Raises:
            ValueError: They are not eight.
        """
        if len(payload) != 8:
            raise ValueError(f"a ping has 8 bytes, not {len(payload)}")
        if not self.ended:
            self.out.append(ping(payload))

    def reply(self, frame: bytes) -> None:
        """Write a small frame that the peer has made us write."""
        self.out.append(frame)
        self.unread += len(frame)

    def reopen(self) -> None:
        """Open the connection's window again, once half is used of what streams that are not consumed leave of it."""
        usable = self.whole_window - self.unconsumed
        if self.window * 2 <= usable and self.window < usable and not self.ended:
            self.reply(window_update(0, usable - self.window))
            self.window = usable

    def spend(self, cost: int) -> None:
        """Count a frame that brought nothing, and look whether the peer reads what such frames have made us write."""
        if self.unread > self.limits.max_unread:
            raise GoAwayError(ErrorCode.ENHANCE_YOUR_CALM, "the peer does not read the answers to its frames")
        self._allowance.spend(cost, self.last_received or 0.0, self.progress)

    def is_idle(self, stream_id: int) -> bool:
        """Whether nobody has used this stream yet."""
        raise NotImplementedError

    def unblock(self, events: list[Event]) -> None:
        """Write what waited for windows. Each stream has its turn."""
        for stream in tuple(self.blocked):
            if self.room <= 0:
                return
            self._unblock_one(stream, events)

    def _unblock_one(self, stream: Stream, events: list[Event]) -> None:
        if stream in self.blocked:
            del self.blocked[stream]  # to be the last, if it is blocked again
            stream.pump()
            if not stream.waiting and not stream.local_ended:
                events.append(Writable(stream))

    def _settings(self, flags: int, stream_id: int, payload: bytes, events: list[Event]) -> None:
        if stream_id:
            raise GoAwayError(ErrorCode.PROTOCOL_ERROR, "SETTINGS on a stream")
        if flags & ACK:
            if payload:
                raise GoAwayError(ErrorCode.FRAME_SIZE_ERROR, "an acknowledgement of SETTINGS with a payload")
            if self.answered:
                self.spend(1)
                return
            self.answered = True
            change = self.limits.stream_window - self.stream_window
            self.stream_window += change
            self.stream_half = self.stream_window // 2
            for stream in self.streams.values():
                stream.shrink(change)
            events.append(Answered())
            return
        if len(payload) % 6:
            raise GoAwayError(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS of a broken length")
        self.spend(1)
        changes = {}
        for key, value in _settings_pairs(payload):
            if key <= MAX_HEADER_LIST_SIZE:  # others are not known, and not kept
                self._check_setting(key, value)
                changes[key] = value
        for key, value in changes.items():
            self._change(key, value)
        self.reply(SETTINGS_ACK)
        self.unblock(events)

    def _check_setting(self, key: int, value: int) -> None:
        if key == ENABLE_PUSH and value > self._largest_enable_push():
            raise GoAwayError(ErrorCode.PROTOCOL_ERROR, f"ENABLE_PUSH of {value}")
        if key == INITIAL_WINDOW_SIZE and value > LARGEST_WINDOW:
            raise GoAwayError(ErrorCode.FLOW_CONTROL_ERROR, f"INITIAL_WINDOW_SIZE of {value}")
        if key == MAX_FRAME_SIZE and not DEFAULT_FRAME_SIZE <= value <= LARGEST_FRAME_SIZE:
            raise GoAwayError(ErrorCode.PROTOCOL_ERROR, f"MAX_FRAME_SIZE of {value}")

    def _largest_enable_push(self) -> int:
        """Clients may allow pushes, which we never make; servers may not."""
        raise NotImplementedError

    def _change(self, key: int, value: int) -> None:
        if key == HEADER_TABLE_SIZE:
            self.writer.resize(value)
        elif key == MAX_CONCURRENT_STREAMS:
            self.peer_max_streams = value
        elif key == MAX_FRAME_SIZE:
            self.frame_size = min(value, self.limits.max_frame)
        elif key == MAX_HEADER_LIST_SIZE:
            self.peer_max_header_list = value
        elif key == INITIAL_WINDOW_SIZE:
            change = value - self.peer_stream_window
            self.peer_stream_window = value
            for stream in self.streams.values():
                if not stream.resize(change):
                    raise GoAwayError(ErrorCode.FLOW_CONTROL_ERROR, "a window beyond 2^31-1")
            # A smaller window blocks nobody by itself: who has nothing waiting finds out when it sends.

    # These are called by HANDLERS, and have one signature.

    def _ping(self, flags: int, stream_id: int, payload: bytes, events: list[Event]) -> None:
        if stream_id:
            raise GoAwayError(ErrorCode.PROTOCOL_ERROR, "PING on a stream")
        if len(payload) != 8:
            raise GoAwayError(ErrorCode.FRAME_SIZE_ERROR, f"PING of {len(payload)} bytes")
        self.spend(1)
        if flags & ACK:
            self.pinged(payload, events)
        else:
            self.reply(ping(payload, ack=True))

    def pinged(self, payload: bytes, events: list[Event]) -> None:
        """A ping of ours was answered."""
        events.append(PingAnswered(payload))

    def _goaway(self, _flags: int, stream_id: int, payload: bytes, events: list[Event]) -> None:
        if stream_id:
            raise GoAwayError(ErrorCode.PROTOCOL_ERROR, "GOAWAY on a stream")
        if len(payload) < 8:
            raise GoAwayError(ErrorCode.FRAME_SIZE_ERROR, f"GOAWAY of {len(payload)} bytes")
        self.spend(1)
        self.going_away = True
        last = int.from_bytes(payload[:4], "big") & LARGEST_STREAM_ID
        code = int.from_bytes(payload[4:8], "big")
        text = payload[8 : 8 + 1000].decode("utf-8", "replace")
        events.append(GoingAway(code, text))
        self.goes_away(last, code, text, events)

    def goes_away(self, last: int, code: int, text: str, events: list[Event]) -> None:
        """The peer looks at no stream of ours beyond `last`."""

    def _rst_stream(self, _flags: int, stream_id: int, payload: bytes, events: list[Event]) -> None:
        if len(payload) != 4:
            raise GoAwayError(ErrorCode.FRAME_SIZE_ERROR, f"RST_STREAM of {len(payload)} bytes")
        self._refuse_idle(stream_id, "RST_STREAM")
        stream = self.streams.get(stream_id)
        if stream is None:
            self.spend(1)
            return
        self.spend(_COST_OF_RESET)
        self.past.reset_by_peer(stream_id)
        code = int.from_bytes(payload, "big")
        stream.was_reset(of_reset(code), events, untouched=code == ErrorCode.REFUSED_STREAM)

    def _refuse_idle(self, stream_id: int, what: str) -> None:
        if stream_id not in self.streams and (not stream_id or self.is_idle(stream_id)):
            raise GoAwayError(ErrorCode.PROTOCOL_ERROR, f"{what} on stream {stream_id}, which nobody has opened")

    def _priority(self, _flags: int, stream_id: int, payload: bytes, _events: list[Event]) -> None:
        if not stream_id:
            raise GoAwayError(ErrorCode.PROTOCOL_ERROR, "PRIORITY on no stream")
        self.spend(1)
        if len(payload) != 5:
            code, text = ErrorCode.FRAME_SIZE_ERROR, f"PRIORITY of {len(payload)} bytes"
        elif int.from_bytes(payload[:4], "big") & LARGEST_STREAM_ID == stream_id:
            code, text = ErrorCode.PROTOCOL_ERROR, "a stream that depends on itself"
        else:
            return
        if self.is_idle(stream_id):  # which cannot be reset
            raise GoAwayError(code, text)
        raise ResetError(stream_id, code, text)

    def _push_promise(self, _flags: int, _stream_id: int, _payload: bytes, _events: list[Event]) -> None:
        raise GoAwayError(ErrorCode.PROTOCOL_ERROR, "PUSH_PROMISE, which nobody has allowed")

    def _window_update(self, _flags: int, stream_id: int, payload: bytes, events: list[Event]) -> None:
        if len(payload) != 4:
            raise GoAwayError(ErrorCode.FRAME_SIZE_ERROR, f"WINDOW_UPDATE of {len(payload)} bytes")
        self.spend(1)
        increment = int.from_bytes(payload, "big") & LARGEST_WINDOW
        if not stream_id:
            if not increment:
                raise GoAwayError(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE by 0")
            self.room += increment
            if self.room > LARGEST_WINDOW:
                raise GoAwayError(ErrorCode.FLOW_CONTROL_ERROR, "a window beyond 2^31-1")
            if self.blocked:
                self.unblock(events)
            return
        stream = self.streams.get(stream_id)
        if stream is None:
            self._refuse_idle(stream_id, "WINDOW_UPDATE")
        if not increment:
            raise ResetError(stream_id, ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE by 0")
        if stream is None:
            return
        if not stream.resize(increment):
            raise ResetError(stream_id, ErrorCode.FLOW_CONTROL_ERROR, "a window beyond 2^31-1")
        self._unblock_one(stream, events)

    HANDLERS: ClassVar[dict[int, Callable[[Any, int, int, bytes, list[Event]], None]]] = {
        PRIORITY: _priority,
        RST_STREAM: _rst_stream,
        SETTINGS: _settings,
        PUSH_PROMISE: _push_promise,
        PING: _ping,
        GOAWAY: _goaway,
        WINDOW_UPDATE: _window_update,
    }
