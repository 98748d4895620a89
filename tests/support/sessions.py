"""Whether configurations keep sessions by default: ``pytest --sessions off`` runs the suite without them."""

from typing import Any

import pytest

from pygorums.base.session import DEFAULT_SESSION
from pygorums.nodes.outbound_pool import OutboundPool

__all__ = ["set_sessions"]


def set_sessions(mode: str, patch: pytest.MonkeyPatch) -> None:
    """Have configurations and systems of this process keep no sessions where nobody says that they do."""
    if mode == "on":
        return
    make = OutboundPool.__init__

    def without(self: OutboundPool, *args: Any, session: Any = None, **options: Any) -> None:
        make(self, *args, session=None if session is DEFAULT_SESSION else session, **options)

    patch.setattr(OutboundPool, "__init__", without)
