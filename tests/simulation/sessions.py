"""Scenarios of what sessions promise: every message is handled once and in order, or its caller is told.

They are small, so that many seeds can be tried: most have one or two clients and servers, and some more.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from unittest.mock import patch

import pygorums as gorums
from pygorums import testing
from pygorums.sessions import acceptor
from pygorums.streams import opener_session, window
from pygorums.transports.interface import ConnectionLostError
from tests.protos.calls_gorums import echo
from tests.protos.calls_pb2 import Text
from tests.simulation.protocols import Scenario
from tests.simulation.session_ends import closing, stopping
from tests.simulation.session_members import members
from tests.simulation.support import TOLD
from tests.support.ledger import UNKNOWN, Ledger
from tests.support.numbered_calls import KINDS, LedgerService, NumberedCaller

__all__ = ["PARTS", "SCENARIOS"]

NONE: Mapping[str, Any] = {}

SHAPES = ((1, 1, 12), (1, 2, 8), (2, 1, 7), (2, 3, 15))
"""Clients, servers, and calls of each client."""

OFTEN = (4, 6, 2, 1)
"""How often they are drawn."""

LATE = 0.03
"""Seconds by which something may come later than it should."""

BACKOFFS = (gorums.Backoff(), gorums.Backoff(initial=0.005, maximum=0.05))


def shape(world: testing.World) -> tuple[int, int, int]:
    """How much is to happen in a run."""
    return world.random.choices(SHAPES, OFTEN)[0]


def batching(world: testing.World) -> list[tuple[str, int]]:
    """Options of a client or server: some do not batch."""
    return [("pygorums.batching", 0)] if world.random.random() < 0.2 else []


def data(world: testing.World, *, heavy: bool = False) -> bytes:
    """What goes along with a call."""
    return bytes(world.random.choice((0, 20_000) if heavy else (0, 0, 0, 100, 20_000)))


async def end(node: gorums.Node) -> None:
    """What was sent to a node before is handled then."""
    while True:
        try:
            await echo(node, Text(text="the end", number=1))
            return
        except gorums.StatusError:
            await asyncio.sleep(0.1)


def forsake(world: testing.World, client: str) -> None:
    """A client takes one of its connections for lost, of which the other end hears late or never.

    What was on its way to that end arrives all the same, be it after what comes over the next connection.
    """
    process = world.host(client).process
    links = [link for link in process.links if link.there.source is process]
    if not links:
        return
    link = world.random.choice(sorted(links, key=lambda link: link.number))
    there, back = link.there, link.back
    receive, back.receive = back.receive, None
    send, arrive = there.send, there.receive
    there.send = lambda what: False  # nothing more leaves
    lost, late = ConnectionLostError("the connection is taken for lost"), world.random.uniform(0, LATE)
    loop = asyncio.get_running_loop()
    if arrive is not None:
        there.receive = lambda what: None if loop.is_closed() else loop.call_later(late, arrive, what) and None
    if world.random.random() < 0.7:
        loop.call_later(world.random.uniform(0, LATE), send, lost)
    world.note(f"{client} takes a connection to {there.target.host.name} for lost")
    if receive is not None:
        process.run(receive, lost)


def exactly_once(
    *,
    keep: float,
    back: bool,
    doubt: bool = True,
    loses: bool = False,
    forsakes: int = 0,
    bound: int = 0,
    windows: Sequence[int] = (),
    hurry: float = 0.1,
    kinds: Sequence[str] = KINDS,
    options: Mapping[str, Any] = NONE,
    **faults: int,
) -> Scenario:
    """Clients make calls of all kinds to servers, which call them back.

    Args:
        keep: How long the clients wait.
        back: Whether they are called back.
        doubt: Whether a call may be unknown though no server crashes.
        loses: Whether servers give sessions up.
        forsakes: How often a client takes a connection for lost, of which the server hears late or never.
        bound: How many bytes either end keeps, if that is to be little.
        windows: For how many bytes of requests there is room, one of these.
        hurry: The part of calls that have a timeout.
        kinds: Which calls.
        options: Of the servers.
        faults: How many of each kind.
    """

    async def scenario(world: testing.World) -> None:
        with (
            patch.object(acceptor, "KEPT", bound or acceptor.KEPT),
            patch.object(opener_session, "LEAST_KEPT", bound or opener_session.LEAST_KEPT),
            patch.object(window, "WINDOW", world.random.choice(windows) if windows else window.WINDOW),
        ):
            await play(world)

    async def play(world: testing.World) -> None:
        clients, count, calls = shape(world)
        ledger, boots = Ledger(), Counter[int]()
        callers: dict[str, NumberedCaller] = {}
        configs: list[gorums.Configuration] = []

        async def pause() -> None:
            await asyncio.sleep(world.random.uniform(0, 0.01))

        def boot(node_id: int) -> LedgerService:
            boots[node_id] += 1
            name = f"s{node_id}/{boots[node_id]}"
            callers[name] = NumberedCaller(ledger, name)
            return LedgerService(partial(ledger.handle, name), pause, callers[name] if back else None)

        servers = await world.servers(count, boot, options=batching(world), **options)
        targets = {server.node_id: f"s{server.node_id}" for server in servers}

        async def client(name: str) -> None:
            service = LedgerService(partial(ledger.handle, f"{name}/1"), pause)
            own = gorums.Server(service) if back else None
            config = world.connect(
                servers,
                host=name,
                server=own,
                session=gorums.Session(keep=keep),
                channel_options=batching(world),
                backoff=world.random.choice(BACKOFFS),
                send_buffer=bound or 64 << 20,
            )
            caller = NumberedCaller(ledger, name)
            if world.random.random() < 0.6:
                with suppress(TimeoutError):
                    await config.wait_connected(timeout=0.1)
            for _ in range(calls):
                give_up = world.random.uniform(0, 0.2) if world.random.random() < 0.1 else None
                timeout = world.random.uniform(0, 0.3) if world.random.random() < hurry else None
                to = config if world.random.random() < 0.6 else config[world.random.randrange(count) :]
                kind, more = world.random.choice(kinds), data(world, heavy=bool(bound or windows))
                caller.call(kind, to, targets, timeout=timeout, give_up=give_up, data=more)
                if world.random.random() < 0.5:
                    await world.sleep(world.random.uniform(0, 0.03))
            await caller.finished()
            configs.append(config)

        async with asyncio.timeout(300):
            async with world.faults(over=0.02 * calls, **faults):
                loop = asyncio.get_running_loop()
                for _ in range(forsakes):
                    who = world.random.choice("ab"[:clients])
                    loop.call_later(world.random.uniform(0, 0.02 * calls), forsake, world, who)
                await asyncio.gather(*map(client, "ab"[:clients]))
            for config in configs:
                await config.wait_connected(timeout=60)
                for node in config:
                    await end(node)
            running = {f"s{node_id}/{count}" for node_id, count in boots.items()}
            for name in running:
                await callers[name].finished()
        await world.sleep(1)
        for entries in ledger.handled.values():
            entries[:] = [entry for entry in entries if entry[0] != "the end"]
        replaced = {f"s{node_id}" for node_id, count in boots.items() if count > 1}
        problems = ledger.problems(
            excused=lambda target: loses or target in replaced, dead=callers.keys() - running, doubt=doubt
        )
        assert not problems, problems
        TOLD.update(ledger.outcomes())

    return scenario


async def graceful(world: testing.World) -> None:
    """A server that stops in peace answers what it has taken, and nobody is left in doubt; so does the next one."""
    clients, count, calls = shape(world)
    ledger, boots = Ledger(), Counter[int]()

    async def pause() -> None:
        await asyncio.sleep(world.random.uniform(0, 0.01))

    async def start(number: int, address: str) -> gorums.Server:
        boots[number] += 1
        name = f"s{number}/{boots[number]}"
        service = LedgerService(partial(ledger.handle, name), pause, NumberedCaller(ledger, name))
        server = gorums.Server(service, options=batching(world))
        await server.start(address)
        return server

    servers = {number: await start(number, f"127.0.0.1:{7000 + number}") for number in range(1, count + 1)}

    async def restart(number: int) -> None:
        await world.sleep(world.random.uniform(0, 0.2))
        await servers[number].stop(20)
        await world.sleep(world.random.choice([0, 0, 0.1]))
        servers[number] = await start(number, f"127.0.0.1:{7000 + number}")

    async def client(name: str) -> None:
        own = gorums.Server(LedgerService(partial(ledger.handle, f"{name}/1"), pause))
        addresses = {number: f"127.0.0.1:{7000 + number}" for number in servers}
        config = world.connect(
            addresses, host=name, server=own, session=gorums.Session(), channel_options=batching(world)
        )
        caller = NumberedCaller(ledger, name)
        for _ in range(calls):
            to = config if world.random.random() < 0.6 else config[world.random.randrange(count) :]
            caller.call(world.random.choice(KINDS), to, {number: f"s{number}" for number in servers}, data=data(world))
            if world.random.random() < 0.6:
                await world.sleep(world.random.uniform(0, 0.03))
        await caller.finished()
        await config.close()

    async with asyncio.timeout(300):
        await asyncio.gather(*map(client, "ab"[:clients]), *map(restart, list(servers)))
    await world.sleep(1)
    for server in servers.values():
        await server.stop(5)
    problems = ledger.problems(excused=lambda _: True)
    # Calls back to a client that is closed may be under way.
    problems += [
        f"{call} is unknown" for call, told in ledger.told.items() if told == UNKNOWN and call[1] in ("a", "b")
    ]
    assert not problems, problems
    TOLD.update(ledger.outcomes())


SCENARIOS: Mapping[str, Scenario] = {
    "sessions under resets": exactly_once(keep=0.0, back=False, resets=8),
    "sessions with calls back": exactly_once(keep=0.0, back=True, resets=8, pauses=2),
    "sessions over connections that end late": exactly_once(keep=0.0, back=True, forsakes=6, resets=2, pauses=1),
    "sessions in a hurry": exactly_once(
        keep=0.0, back=False, kinds=("spread", "note", "follow"), hurry=0.5, resets=4, partitions=2, forsakes=2
    ),
    "sessions under partitions": exactly_once(keep=0.0, back=True, resets=4, partitions=2, pauses=1),
    "sessions that are kept": exactly_once(keep=20.0, back=False, doubt=False, resets=4, partitions=2, pauses=1),
    "sessions under crashes": exactly_once(keep=0.0, back=True, resets=4, crashes=2, pauses=1),
    "sessions of clients that are away": exactly_once(
        keep=0.0, back=True, options={"session_linger": 0.02}, resets=8, partitions=1, pauses=1
    ),
    "sessions that are given up": exactly_once(
        keep=1.0,
        back=True,
        loses=True,
        options={"session_limit": 1, "session_keep": 0.03, "session_linger": 0.01},
        resets=10,
        partitions=1,
        crashes=1,
    ),
    "sessions that keep little": exactly_once(keep=1.0, back=True, loses=True, bound=21_000, resets=8, pauses=1),
    "sessions with little credit": exactly_once(
        keep=1.0, back=True, windows=(0, 600, 2000, 25_000), resets=6, forsakes=2, pauses=1
    ),
    "sessions that end in peace": graceful,
    "sessions of clients that close": closing,
    "sessions of servers that stop at once": stopping,
    "sessions of members": members(resets=6, partitions=1, pauses=1),
    "sessions of members that crash": members(resets=3, partitions=1, crashes=2),
}

PARTS = {name: 0.03 if "members" in name else 0.94 / (len(SCENARIOS) - 2) for name in SCENARIOS}
"""How many of the seeds each gets: of what takes longest, fewest."""
