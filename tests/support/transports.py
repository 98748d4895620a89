"""What carries the streams of all tests that do not say so."""

import random

import pytest

from pygorums.transports import choosing
from pygorums.transports.choosing import TransportName

__all__ = ["set_transport"]


def set_transport(name: str, patch: pytest.MonkeyPatch) -> None:
    """Use a transport wherever it can be, in processes that are started too; or either one, by chance."""
    if name != "mixed":
        patch.setenv(choosing.VARIABLE, name)
        return
    chance = random.Random(20)

    def either() -> TransportName:
        return chance.choice(("grpc", "auto"))

    patch.setattr(choosing, "_preferred", either)
