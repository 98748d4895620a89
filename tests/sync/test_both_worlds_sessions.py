"""Sessions in either world."""

from typing import Any

import pytest

import pygorums as gorums
from tests.protos import calls_gorums
from tests.protos.calls_pb2 import Text
from tests.support.plain_calls import PlainCalls
from tests.support.worlds import World

echo: Any = calls_gorums.echo


def session_ids(service: PlainCalls) -> set[str | None]:
    return {context.session_id for context in service.contexts}


@pytest.mark.parametrize("options", [{}, {"session": None}, {"session": gorums.Session(keep=1.0)}], ids=str)
def test_configurations_have_them(world: World, options: dict[str, Any], pytestconfig: pytest.Config) -> None:
    """Unless they are told otherwise; but so is the whole suite by ``--sessions off``."""
    service = PlainCalls(1)
    with world.using(lambda: world.api.Server(service, session_keep=5.0, session_linger=0.5)) as server:
        address = world.do(lambda: server.start("127.0.0.1:0"))
        with world.using(lambda: world.api.connect([address], **options)) as config:
            for _ in range(2):
                world.do(lambda: echo(config[0], Text(text="ok"), timeout=10))
    (session_id,) = session_ids(service)
    have = options["session"] is not None if options else pytestconfig.getoption("--sessions") == "on"
    assert (session_id is not None) == have


def test_servers_may_have_none(world: World) -> None:
    service = PlainCalls(1)
    with world.using(lambda: world.api.Server(service, session_limit=0)) as server:
        address = world.do(lambda: server.start("127.0.0.1:0"))
        with world.using(lambda: world.api.connect([address], session=gorums.Session())) as config:
            world.do(lambda: echo(config[0], Text(text="ok"), timeout=10))
    assert session_ids(service) == {None}


@pytest.mark.parametrize("session", [None, gorums.Session()])
def test_systems_have_them(world: World, session: gorums.Session | None) -> None:
    services = {number: PlainCalls(number) for number in (1, 2)}
    with world.using(lambda: world.api.local_systems(2, services.__getitem__, session=session)) as systems:
        for system in systems:
            world.do(lambda system=system: system.wait_for_config(lambda config: len(config) == 2, timeout=10))
        world.do(lambda: echo(systems[0].outbound[1], Text(text="ok"), timeout=10))
    assert (None in session_ids(services[2])) == (session is None)


@pytest.mark.parametrize("given", [True, 30.0, "keep", gorums.Session])
def test_what_is_no_session_is_refused(world: World, given: Any) -> None:
    connecting = lambda: world.api.connect(["127.0.0.1:1"], session=given)  # noqa: E731 - it is run where the loop is
    with pytest.raises(gorums.ConfigurationError, match=r"must be a pygorums.Session, or None for no sessions, not"):
        world.do(connecting)
    with pytest.raises(gorums.ConfigurationError, match=r"must be a pygorums.Session"):
        world.do(lambda: world.api.System("127.0.0.1:0", node_id=1, peers={1: "127.0.0.1:1"}, session=given))
