"""The servers under test, and every kind of connection to them."""

import asyncio
import json
from collections.abc import Hashable, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

import grpc
import grpc.aio

import pygorums as gorums
from benchmarks.extras_gorums import baselines
from benchmarks.extras_pb2 import BaselinesRequest
from benchmarks.measuring.usage import Usage
from benchmarks.program import StartError
from benchmarks.servers.baselines import HISTOGRAM, UNLIMITED, USAGE
from benchmarks.statistics.histogram import Histogram
from benchmarks.subjects.asyncio_loads import Cluster
from benchmarks.subjects.bare_streams import BareStreams
from benchmarks.subjects.blocking_client import BlockingClient
from benchmarks.subjects.blocking_work import CONNECT_LIMIT, Setup
from benchmarks.subjects.raw_streams import RawStreams
from benchmarks.transports import transport_arguments

__all__ = ["CHANNEL_OPTIONS", "Targets"]

CHANNEL_OPTIONS = (*UNLIMITED, ("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0))
"""gRPC options of the baselines' channels: each has a connection of its own, as pygorums has them."""


class Targets:
    """Connections to servers, made on entry and closed on exit.

    Args:
        addresses: Where they listen.
        send_buffer: How many bytes may wait for a node.
        transport: What the client stands on, where nothing else is said.

    Attributes:
        config: All of them, on that transport.
        ours: Whether all of them serve the baselines and tell what they use.
    """

    def __init__(self, addresses: Sequence[str], send_buffer: int, transport: str) -> None:
        self._addresses = addresses
        self._send_buffer = send_buffer
        self._transport = transport
        self._stack = AsyncExitStack()
        self._streams: dict[int, BareStreams] = {}
        self._configs: dict[Hashable, gorums.Configuration] = {}
        self._blocking: BlockingClient | None = None
        self._raw_addresses: list[tuple[str, int]] = []
        self._raw: RawStreams | None = None
        self._baselines: list[str] = []
        self._tellers: list[grpc.aio.Channel] = []
        self.channels: list[grpc.aio.Channel] = []
        self.ours = False

    async def __aenter__(self) -> Self:
        async with self._stack:
            self.config = await self.connected(self._transport)
            self.ours = await self._find_baselines()
            self.channels = [
                await self._stack.enter_async_context(grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS))
                for address in self._baselines
            ]
            self._tellers = await self._one_for_each_process()
            self._stack = self._stack.pop_all()
        return self

    async def _find_baselines(self) -> bool:
        """Whether all servers tell where they serve the baselines; notes it."""
        try:
            served = await asyncio.gather(
                *(baselines(node, BaselinesRequest(), timeout=CONNECT_LIMIT) for node in self.config)
            )
        except gorums.StatusError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                return False
            raise StartError(f"a server cannot be asked for its baselines: {error.details()}") from None
        hosts = [address.rpartition(":")[0] for address in self._addresses]
        self._baselines = [f"{host}:{ports.grpc_port}" for host, ports in zip(hosts, served, strict=True)]
        self._raw_addresses = [(host.strip("[]"), ports.raw_port) for host, ports in zip(hosts, served, strict=True)]
        return True

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def connected(self, transport: str, *, batching: bool = True, **more: Any) -> gorums.Configuration:
        """All of them, over streams of their own on a transport; without batching each message goes alone.

        Args:
            transport: The transport.
            batching: Whether the two sides agree to send several messages as one.
            more: For `gorums.connect`.
        """
        key = (transport, batching, *more.items())
        if key not in self._configs:
            self._configs[key] = await self._connect(transport, batching=batching, **more)
        return self._configs[key]

    async def blocking(self) -> BlockingClient:
        """A process that calls all of them from threads."""
        if self._blocking is None:
            setup = Setup(tuple(self._addresses), tuple(self._baselines), self._send_buffer, self._transport)
            self._blocking = await BlockingClient.start(setup)
            self._stack.push_async_callback(self._blocking.close)
        return self._blocking

    async def _connect(self, transport: str, *, batching: bool, **more: Any) -> gorums.Configuration:
        options = () if batching else (("pygorums.batching", 0),)
        try:
            config = gorums.connect(
                self._addresses,
                send_buffer=self._send_buffer,
                channel_options=(*UNLIMITED, *options),
                **transport_arguments(transport),
                **more,
            )
        except gorums.ConfigurationError as error:
            raise StartError(str(error)) from None
        await self._stack.enter_async_context(config)
        try:
            await config.wait_connected(timeout=CONNECT_LIMIT)
        except TimeoutError:
            missing = "; ".join(
                f"node {node.id} ({node.address}): {node.last_error or 'no answer'}"
                for node in config
                if not node.connected
            )
            raise StartError(f"not connected within {CONNECT_LIMIT:.0f} s: {missing}") from None
        return config

    def cluster(self, config: gorums.Configuration, quorum: int, payload: int) -> Cluster:
        """For the loads of pygorums."""
        return Cluster(config, quorum, payload, self.histogram)

    def streams(self, count: int) -> BareStreams:
        """Bare streams to the first `count` nodes."""
        if count not in self._streams:
            streams = self._streams[count] = BareStreams(self.channels[:count])
            self._stack.callback(streams.close)
        return self._streams[count]

    async def raw(self) -> RawStreams:
        """Plain connections to all of them.

        Raises:
            StartError: One of them cannot be reached.
        """
        if self._raw is None:
            try:
                self._raw = await RawStreams.connect(self._raw_addresses)
            except OSError as error:
                raise StartError(f"a server cannot be reached for baseline R: {error.strerror or error}") from None
            self._stack.callback(self._raw.close)
        return self._raw

    async def usage(self) -> list[Usage]:
        """What each server process has used so far."""
        return [Usage.decoded(answer) for answer in await self._ask(USAGE, self._tellers)]

    async def _one_for_each_process(self) -> list[grpc.aio.Channel]:
        answers = await self._ask(USAGE, self.channels)
        usages = map(Usage.decoded, answers)
        return list({usage.process: channel for usage, channel in zip(usages, self.channels, strict=True)}.values())

    async def histogram(self) -> Histogram:
        """The latencies in nanoseconds that the servers have measured last; empty if they do not tell."""
        total = Histogram()
        for answer in await self._ask(HISTOGRAM, self.channels):
            total.add(Histogram.of(json.loads(answer)))
        return total

    async def _ask(self, method: str, channels: Sequence[grpc.aio.Channel]) -> list[bytes]:
        stubs: list[Any] = [channel.unary_unary(method) for channel in channels]
        try:
            return list(await asyncio.gather(*(stub(b"") for stub in stubs)))
        except grpc.aio.AioRpcError as error:
            raise StartError(f"a server cannot be asked for what it uses: {error.details()}") from None
