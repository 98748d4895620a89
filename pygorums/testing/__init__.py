"""For tests of programs that use pygorums: replies without servers.

An aggregation of one's own is a function of `pygorums.Responses`; `responses` makes some of what each node is to
answer. `pygorums.testing.sync` does the same for programs without asyncio.
"""

from pygorums.testing import sync as sync
from pygorums.testing.responses import responses
from pygorums.testing.scripted import SILENT, Answer, Silence

__all__ = ["SILENT", "Answer", "Silence", "responses", "sync"]
