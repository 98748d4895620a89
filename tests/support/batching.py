"""Whether the streams of a test run batch: ``pytest --batching off``, or ``mixed``, runs the suite on others."""

from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest

from pygorums.streams.options import StreamOptions

__all__ = ["MODES", "set_batching"]

MODES = ("on", "off", "mixed")

_OPTION = "pygorums.batching"


def set_batching(mode: str, patch: pytest.MonkeyPatch) -> None:
    """Have streams batch or not where the options of a configuration or a server do not say it.

    Mixed, it is every second configuration or server of this process that does not, so that there are all pairs: that
    both do, neither, or one of them.
    """
    if mode == "on":
        return
    number = count()
    of = StreamOptions.of

    def without(options: Sequence[tuple[str, Any]], **more: Any) -> StreamOptions:
        batches = mode == "mixed" and next(number) % 2 == 0
        if not batches and isinstance(options, list | tuple) and not any(pair[:1] == (_OPTION,) for pair in options):
            return of([*options, (_OPTION, 0)], **more)
        return of(options, **more)

    patch.setattr(StreamOptions, "of", without)
