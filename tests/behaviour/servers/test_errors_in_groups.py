"""What comes out of a handler's task group as the only one is what the client is told."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

import pygorums as gorums
from tests.protos.calls_gorums import CallsServer, ask, echo, follow, note
from tests.protos.calls_pb2 import Text
from tests.support.cluster import connected, serving
from tests.support.waiting import within


def status(text: str = "too old") -> gorums.StatusError:
    return gorums.StatusError(gorums.StatusCode.FAILED_PRECONDITION, text)


def group(*errors: BaseException) -> BaseExceptionGroup[BaseException]:
    return BaseExceptionGroup("of the test", errors)


# What is raised, what the client is told of it, and whether the log has it.
CASES: dict[str, tuple[BaseException, str, bool]] = {
    "one": (group(status()), "FAILED_PRECONDITION too old", False),
    "one within another": (group(group(status())), "FAILED_PRECONDITION too old", False),
    "one beside something else": (group(ValueError("why"), group(status())), "FAILED_PRECONDITION too old", True),
    "two": (group(status("a"), status("b")), "UNKNOWN of the test (2 sub-exceptions)", True),
    "another": (group(group(ValueError("why"))), "UNKNOWN why", True),
    "a key": (group(KeyError("why")), "UNKNOWN KeyError: 'why'", True),
    "unwritten": (group(NotImplementedError("not here")), "UNIMPLEMENTED not here", False),
    "two others": (group(ValueError("a"), ValueError("b")), "UNKNOWN of the test (2 sub-exceptions)", True),
    "by itself": (status(), "FAILED_PRECONDITION too old", False),
}


class Failing(CallsServer):
    """Raises what a case says."""

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        if request.text in CASES:
            raise CASES[request.text][0]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(asyncio.sleep(10))
            tasks.create_task(self._refuse())
        return request

    async def _refuse(self) -> None:
        await asyncio.sleep(0)
        raise status()

    def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        raise CASES[request.text][0]

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self.echo(ctx, request)

    async def spread(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self.echo(ctx, request)

    async def follow(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:
        yield request
        await self.echo(ctx, request)


def told(error: object) -> str:
    assert isinstance(error, gorums.StatusError)
    return f"{error.code.name} {error.message}"


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", ["async", "plain", "streaming"])
async def test_what_the_client_is_told(case: str, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    request = Text(text=case)
    error: Any
    async with serving(Failing()) as address, connected([address]) as config:
        if kind == "async":
            with pytest.raises(gorums.StatusError) as raised:
                await within(echo(config[0], request))
            error = raised.value
        elif kind == "plain":
            with pytest.raises(gorums.IncompleteError) as incomplete:
                await within(ask(config, request).all())
            error = incomplete.value.node_errors[1]
        else:
            error = [each async for each in follow(config, request, timeout=10)][-1].error
    _, text, logged = CASES[case]
    assert told(error) == text
    records = [record for record in caplog.records if record.name == "pygorums.server"]
    assert bool(records) is logged


async def test_a_task_group(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Failing()) as address, connected([address]) as config:
        with pytest.raises(gorums.StatusError) as raised:
            await within(echo(config[0], Text()))
        assert told(raised.value) == "FAILED_PRECONDITION too old"
        await within(note(config[0], Text()))
        with pytest.raises(gorums.StatusError):
            await within(echo(config[0], Text()))
    assert [record.message for record in caplog.records if record.name == "pygorums.server"] == [
        "The handler of calls.Calls.Note failed: FAILED_PRECONDITION: too old"
    ]


async def test_authorize_with_a_task_group() -> None:
    async def authorize(claim: gorums.Claim) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(refuse())

    async def refuse() -> None:
        raise gorums.StatusError(gorums.StatusCode.PERMISSION_DENIED, "not you")

    async with serving(Failing(), authorize=authorize) as address, gorums.connect([address]) as config:
        with pytest.raises(gorums.StatusError, match="not you") as raised:
            await within(echo(config[0], Text()))
        assert raised.value.code == gorums.StatusCode.PERMISSION_DENIED
