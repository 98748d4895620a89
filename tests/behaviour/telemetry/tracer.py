"""A tracer whose spans tests look at, and which knows those that have not ended."""

from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider

__all__ = ["Tracer"]


class Tracer(SpanProcessor):
    """Keeps spans.

    Attributes:
        provider: what makes them.
        ended: those that have ended, in that order.
        open: how many have not.
    """

    def __init__(self) -> None:
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(self)
        self.ended: list[ReadableSpan] = []
        self.open = 0

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self.open += 1

    def on_end(self, span: ReadableSpan) -> None:
        self.open -= 1
        self.ended.append(span)

    def named(self, name: str) -> Sequence[ReadableSpan]:
        """Those that have ended with this name."""
        return [span for span in self.ended if span.name == name]

    @property
    def only(self) -> ReadableSpan:
        """The span, where there is one."""
        (span,) = self.ended
        assert not self.open
        return span
