"""Each test that asks for a world, or for a cluster, runs in both worlds."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.worlds import WORLDS, BlockingWorld, World
from tests.sync.plain_cluster import PlainCluster


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Each of the worlds."""
    with WORLDS[request.param]() as one:
        yield one


@pytest.fixture
def three(world: World) -> Iterator[PlainCluster]:
    """Three servers in each of the worlds."""
    with ExitStack() as stack:
        yield PlainCluster(world, stack)


@pytest.fixture
def blocking() -> Iterator[PlainCluster]:
    """Three servers in the blocking world."""
    with ExitStack() as stack:
        yield PlainCluster(BlockingWorld(), stack)
