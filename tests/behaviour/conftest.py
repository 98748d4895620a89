"""Clusters for the tests of behaviour; `tests.support.calls` says how their servers are told what to do."""

from collections.abc import AsyncIterator

import pytest

from tests.support.calls import ScriptedCalls
from tests.support.cluster import Cluster, scripted


@pytest.fixture
async def one() -> AsyncIterator[Cluster[ScriptedCalls]]:
    """One server and a connected configuration of it."""
    async with scripted(1) as cluster:
        yield cluster


@pytest.fixture
async def three() -> AsyncIterator[Cluster[ScriptedCalls]]:
    """Three servers and a connected configuration of them."""
    async with scripted(3) as cluster:
        yield cluster


@pytest.fixture
async def five() -> AsyncIterator[Cluster[ScriptedCalls]]:
    """Five servers and a connected configuration of them."""
    async with scripted(5) as cluster:
        yield cluster
