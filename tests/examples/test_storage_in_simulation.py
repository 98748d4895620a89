"""What the storage example promises, under simulated faults, and what it does not.

It promises: a read that a majority answers gives the newest value that a majority had taken before the read began, or a
newer one, as long as no replica loses its memory and the writers' clocks agree.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import pytest

import pygorums as gorums
from examples.storage.moments import moment, now
from examples.storage.quorum import majority, read_newest, written_by_majority
from examples.storage.server import StorageImpl
from examples.storage.storage_gorums import read_nested_qc, read_qc, write_multicast, write_nested_multicast, write_qc
from examples.storage.storage_pb2 import ReadRequest, WriteRequest
from pygorums import testing
from tests.simulation.support import run

TIMEOUT = 1.0


@dataclass
class Written:
    """A write that a majority took, or may have."""

    key: str
    value: str
    time: tuple[int, int]
    done: float


class StaleReadError(AssertionError):
    """A read has missed what was written before."""


async def store(world: testing.World) -> None:
    """Clients that write and read two keys by all the ways that wait for majorities."""
    replicas = await world.systems(3, lambda _: StorageImpl())
    history = testing.History()
    begun: set[tuple[str, str]] = set()
    written: list[Written] = []

    async def write(config: gorums.Configuration, key: str, value: str) -> bool:
        request = WriteRequest(key=key, value=value, time=now())
        begun.add((key, value))
        call = world.random.choice([write_qc, write_nested_multicast])
        taken = await written_by_majority(call(config, request, timeout=TIMEOUT))
        if taken:
            written.append(Written(key, value, moment(request.time), world.time))
        return taken

    async def read(config: gorums.Configuration, key: str) -> str | None:
        began = world.time
        responses = read_qc(config, ReadRequest(key=key), timeout=TIMEOUT)
        reply = await read_newest(responses)
        if responses.replies < majority(responses.size):
            raise gorums.IncompleteError.of(responses)  # the example says that there may be a newer value
        for each in written:
            if each.key == key and each.done < began and moment(reply.time) < each.time:
                raise StaleReadError(f"{key} = {reply.value!r}, though {each.value!r} was written before")
        if reply.OK and (key, reply.value) not in begun:
            raise StaleReadError(f"{key} = {reply.value!r}, which nobody has written")
        return reply.value if reply.OK else None

    async def client(name: str) -> None:
        config = world.connect(replicas, host=name)
        for number in range(4):
            await world.sleep(world.random.uniform(0, 0.05))
            key, value = world.random.choice("ab"), f"{name}{number}"
            began = world.time
            await history.call(name, "put", (key, value), write(config, key, value))
            await history.call(name, "get", key, read(config, key))
            assert world.time - began < 2 * TIMEOUT + 0.1

    async def others() -> None:
        """Calls whose replies promise less do not disturb those that promise more."""
        config = world.connect(replicas, host="other")
        for number in range(3):
            for call in (
                write_multicast(config, WriteRequest(key="c", value=f"{number}", time=now()), timeout=TIMEOUT),
                read_newest(read_nested_qc(config, ReadRequest(key="c"), timeout=TIMEOUT)),
            ):
                with suppress(gorums.QuorumCallError):
                    await call

    async with world.faults(partitions=2, pauses=1, resets=3, over=0.5):
        await asyncio.gather(client("x"), client("y"), client("z"), others())


def test_reads_of_majorities_see_what_majorities_took() -> None:
    testing.check(store, 50)
    testing.check(store, 4, wire="http2")


async def value(config: gorums.Configuration) -> str:
    """What a majority of the replicas says of a key, those that cannot be reached left out."""
    responses = read_qc(config, ReadRequest(key="a"), timeout=TIMEOUT)
    reply = await read_newest(responses)
    assert responses.replies >= 2
    return reply.value


def test_a_replica_that_loses_its_memory_breaks_the_promise() -> None:
    async def scenario(world: testing.World) -> None:
        replicas = await world.systems(3, lambda _: StorageImpl())
        config = world.connect(replicas, host="client")
        await config.wait_connected(timeout=5)
        world.partition("client", "s3")
        assert await written_by_majority(
            write_qc(config, WriteRequest(key="a", value="new", time=now()), timeout=TIMEOUT)
        )
        await world.sleep(TIMEOUT)
        world.crash("s1")
        world.reset("client", "s3")  # what is on its way is lost
        world.heal()
        await world.restart("s1")
        await config.wait_connected(timeout=30)
        world.partition("client", "s2")
        assert await value(config) == ""

    run(scenario)


def test_reads_do_not_write_back() -> None:
    """So a later read may give an older value, while a write has not ended: that is no linearizable store."""

    async def scenario(world: testing.World) -> None:
        replicas = await world.systems(3, lambda _: StorageImpl())
        writer, one, other = (world.connect(replicas, host=name) for name in ("writer", "one", "other"))
        for config in (writer, one, other):
            await config.wait_connected(timeout=5)
        world.partition("writer", ["s2", "s3"])
        world.partition("other", "s1")
        writing = write_qc(writer, WriteRequest(key="a", value="new", time=now()), timeout=TIMEOUT).async_all()
        await world.sleep(0.05)
        assert await value(one) == "new"
        assert await value(other) == ""
        with pytest.raises(gorums.QuorumTimeoutError):
            await writing

    run(scenario)
