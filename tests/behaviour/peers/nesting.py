"""A service whose handlers call the other nodes of their server, as their requests say."""

import asyncio
from collections.abc import AsyncIterator

import pygorums as gorums
from tests.protos.calls_gorums import CallsServer, ask, echo, spread
from tests.protos.calls_pb2 import Text

__all__ = ["Mutual", "Nesting"]


class Nesting(CallsServer):
    """Answers `Ask` and counts `Spread` by itself; `Echo` and `Note` call the nodes first.

    The text of a request to `Echo` is a list of words:

        majority, all, first, iterate   how the nested quorum call to the nodes is waited for
        multicast                       a nested multicast instead
        clients                         the nodes are the clients, not the peers
        hold                            does not release

    The number of the reply is the sum of the numbers of the replies, if all are read, else that of the first.

    Attributes:
        number: In every reply of its own.
        spread_count: How many multicasts have come.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.spread_count = 0
        self._changed = asyncio.Condition()

    async def has_spread(self, count: int) -> None:
        """Waits until so many multicasts have come."""
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: self.spread_count >= count)

    async def ask(self, ctx: gorums.ServerContext, request: Text) -> Text:
        return Text(text=request.text, number=self.number)

    async def spread(self, ctx: gorums.ServerContext, request: Text) -> None:
        self.spread_count += 1
        async with self._changed:
            self._changed.notify_all()

    async def note(self, ctx: gorums.ServerContext, request: Text) -> None:
        await self.echo(ctx, request)

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        words = request.text.split()
        if "hold" not in words:
            ctx.release()
        nodes = ctx.client_config() if "clients" in words else ctx.config()
        if "multicast" in words:
            await spread(nodes, request)
            return Text(text=request.text, number=len(nodes))
        replies = ask(nodes, request)
        if "majority" in words:
            return Text(number=(await replies.majority()).number)
        if "first" in words:
            return Text(number=(await replies.first()).number)
        if "all" in words:
            await replies.all()
            return Text(number=sum(nodes.node_ids))
        return Text(number=sum([r.value.number async for r in replies.ignore_errors()]))

    async def follow(self, ctx: gorums.ServerContext, request: Text) -> AsyncIterator[Text]:
        """Asks the nodes, and passes on each answer as it comes."""
        ctx.release()
        async for r in ask(ctx.config(), request).ignore_errors():
            yield r.value


class Mutual(Nesting):
    """`Echo` asks the other nodes for an `Echo` of theirs, one fewer each time; the number of all calls made."""

    async def echo(self, ctx: gorums.ServerContext, request: Text) -> Text:
        if request.number == 0:
            return Text(number=1)
        ctx.release()
        replies = await asyncio.gather(*(echo(node, Text(number=request.number - 1)) for node in ctx.config()))
        return Text(number=1 + sum(reply.number for reply in replies))
