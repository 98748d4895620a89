"""One call of every call type, each shown with its nodes, their replies and its result."""

from collections.abc import Callable, Iterable, Mapping

from google.protobuf.message import Message

import pygorums as gorums
from examples.storage.calls import found
from examples.storage.moments import now
from examples.storage.output import show
from examples.storage.quorum import majority, newest
from examples.storage.storage_gorums import (
    read_correctable,
    read_qc,
    read_rpc,
    write_multicast,
    write_qc,
    write_unicast,
)
from examples.storage.storage_pb2 import ReadRequest, ReadResponse, WriteRequest

__all__ = ["walk"]

KEY = "greeting"

TIMEOUT = 10.0
"""Seconds for a call: the demonstration is not about machines that are busy."""


async def walk(config: gorums.Configuration) -> None:
    """Make one call of every type to a configuration of at least two nodes, and show what happens.

    Raises:
        StatusError, QuorumCallError: A call failed.
    """
    await _quorum_write(config)
    await _quorum_read(config)
    await _rpc(config)
    await _unicast(config)
    await _multicast(config)
    await _correctable_read(config)


async def _quorum_write(config: gorums.Configuration) -> None:
    request = _write("hello")
    _begin("Quorum call: a write, done when a majority took it", write_qc, "config", request)
    replies = await write_qc(config, request, timeout=TIMEOUT).collect_all()
    _nodes_and_replies(config, replies)
    needed = majority(len(config))
    taken = sum(reply.new for reply in replies.values())
    nodes = "1 node" if taken == 1 else f"{taken} nodes"
    _result(f"{'Write OK' if taken >= needed else 'not written'}: {nodes} took it, {needed} are a majority")


async def _quorum_read(config: gorums.Configuration) -> None:
    request = _read()
    _begin("Quorum call: a read, whose result is the newest value", read_qc, "config", request)
    replies = await read_qc(config, request, timeout=TIMEOUT).collect_all()
    _nodes_and_replies(config, replies)
    _result(found(KEY, newest(replies.values())))


async def _rpc(config: gorums.Configuration) -> None:
    request = _read()
    _begin("RPC: one node, one reply", read_rpc, "config[0]", request)
    reply = await read_rpc(config[0], request, timeout=TIMEOUT)
    _nodes_and_replies(config[:1], {config[0].id: reply})
    _result(found(KEY, reply))


async def _unicast(config: gorums.Configuration) -> None:
    request = _write("world")
    _begin("Unicast: one node, no reply", write_unicast, "config[1]", request)
    await write_unicast(config[1], request, timeout=TIMEOUT)
    _nodes(["1"])
    _replies(["none"])
    _result(f"Unicast OK; later reads of node 1 give {found(KEY, await _read_at(config[1]))}")


async def _multicast(config: gorums.Configuration) -> None:
    request = _write("gorums")
    _begin("Multicast: all nodes, no replies", write_multicast, "config", request)
    await write_multicast(config, request, timeout=TIMEOUT)
    _nodes(str(index) for index in range(len(config)))
    _replies(["none"])
    _result(f"Multicast OK; later reads of any node give {found(KEY, await _read_at(config[-1]))}")


async def _correctable_read(config: gorums.Configuration) -> None:
    request = _read()
    _begin("Streaming quorum call: a result that improves with each reply", read_correctable, "config", request)
    correctable = read_correctable(config, request, timeout=TIMEOUT).correctable(len(config))
    _nodes(str(index) for index in range(len(config)))
    _replies([f"level {level}: {_fields(reply)}" async for reply, level in correctable])
    reply, level, _ = correctable.get()
    _result(f"{found(KEY, reply or ReadResponse())} (level {level})")


async def _read_at(node: gorums.Node) -> ReadResponse:
    return await read_rpc(node, _read(), timeout=TIMEOUT)


def _read() -> ReadRequest:
    return ReadRequest(key=KEY)


def _write(value: str) -> WriteRequest:
    return WriteRequest(key=KEY, value=value, time=now())


def _begin(title: str, function: Callable[..., object], target: str, request: Message) -> None:
    time = ", time=now()" if isinstance(request, WriteRequest) else ""
    show("")
    show(title)
    show(f"  call     {function.__name__}({target}, {type(request).__name__}({_fields(request)}{time}))")


def _nodes_and_replies(config: gorums.Configuration, replies: Mapping[int, Message]) -> None:
    indices = {node.id: str(index) for index, node in enumerate(config)}
    _nodes(indices.values())
    _replies(f"node {indices[node_id]}: {_fields(reply)}" for node_id, reply in replies.items())


def _nodes(indices: Iterable[str]) -> None:
    show(f"  nodes    {', '.join(indices)}")


def _replies(lines: Iterable[str]) -> None:
    for number, line in enumerate(lines):
        show(f"  {'' if number else 'replies':9}{line}")


def _result(text: str) -> None:
    show(f"  result   {text}")


def _fields(message: Message) -> str:
    """The fields of a request or reply but for its time, which would only be long."""
    names = (field.name for field in message.DESCRIPTOR.fields if field.name != "time")
    return ", ".join(f"{name}={getattr(message, name)!r}" for name in names)
