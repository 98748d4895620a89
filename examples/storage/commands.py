"""The commands of the prompt: from words to what is to be done."""

from dataclasses import dataclass

from examples.storage.selection import parse_index, parse_selection
from examples.storage.words import CommandError, split_words

__all__ = [
    "COMMANDS",
    "HELP",
    "OPERATIONS",
    "CallCommand",
    "Command",
    "CorrectableRead",
    "Exit",
    "Help",
    "Multicast",
    "NestedRead",
    "NestedWrite",
    "Nodes",
    "QuorumRead",
    "QuorumWrite",
    "RpcRead",
    "RpcWrite",
    "Unicast",
    "parse",
]

HELP = r"""
help                                 Print this text
nodes                                List the nodes and their addresses
exit                                 Leave (also: quit, or the end of the input)

rpc <node> read <key>                Read from one node
rpc <node> write <key> <value>       Write to one node
ucast <node> <key> <value>           Write to one node, one-way (also: unicast)
mcast <key> <value>                  Write to all nodes, one-way (also: multicast)
qc read <key>                        Read from all nodes: the newest value (also: quorumcall)
qc write <key> <value>               Write to all nodes: succeeds if a majority takes it
qc cread <key>                       Read and show the value at each level (correctable)
qc nread <key>                       Have each node read from its peers (nested)
qc nwrite <key> <value>              Have each node write to its peers (nested)
cfg <nodes> read|write|cread|…       The same as qc, on some of the nodes

<node> is the index of a node in the list that 'nodes' prints, from 0.
<nodes> is a list of them (0,2) or a range (1:3 is 1 and 2; :2 is 0 and 1; 1: is all but 0).
Quote what contains spaces: qc write greeting 'hello world'. A backslash takes the next character as it is.
""".strip()


@dataclass(frozen=True, slots=True)
class Help:
    """Print the commands."""


@dataclass(frozen=True, slots=True)
class Nodes:
    """List the nodes."""


@dataclass(frozen=True, slots=True)
class Exit:
    """Leave."""


@dataclass(frozen=True, slots=True)
class RpcRead:
    """Read from the node with an index."""

    node: int
    key: str


@dataclass(frozen=True, slots=True)
class RpcWrite:
    """Write to the node with an index."""

    node: int
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Unicast:
    """Write to the node with an index, one-way."""

    node: int
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Multicast:
    """Write to all nodes, one-way."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class QuorumRead:
    """Read the newest value among the nodes with these indices."""

    nodes: tuple[int, ...]
    key: str


@dataclass(frozen=True, slots=True)
class QuorumWrite:
    """Write to a majority of the nodes with these indices."""

    nodes: tuple[int, ...]
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class CorrectableRead:
    """Read from the nodes with these indices, level by level."""

    nodes: tuple[int, ...]
    key: str


@dataclass(frozen=True, slots=True)
class NestedRead:
    """Have the nodes with these indices read from their peers."""

    nodes: tuple[int, ...]
    key: str


@dataclass(frozen=True, slots=True)
class NestedWrite:
    """Have the nodes with these indices write to their peers."""

    nodes: tuple[int, ...]
    key: str
    value: str


QuorumCommand = QuorumRead | QuorumWrite | CorrectableRead | NestedRead | NestedWrite
CallCommand = RpcRead | RpcWrite | Unicast | Multicast | QuorumCommand
Command = Help | Nodes | Exit | CallCommand

_RPC_READ = "rpc <node> read <key>"
_RPC_WRITE = "rpc <node> write <key> <value>"
_READS: dict[str, type[QuorumRead | CorrectableRead | NestedRead]] = {
    "read": QuorumRead,
    "cread": CorrectableRead,
    "nread": NestedRead,
}
_WRITES: dict[str, type[QuorumWrite | NestedWrite]] = {"write": QuorumWrite, "nwrite": NestedWrite}

OPERATIONS = ("read", "write", "cread", "nread", "nwrite")
"""What ``qc`` and ``cfg`` can do."""

COMMANDS = (
    *("help", "nodes", "exit", "quit", "rpc", "ucast", "unicast", "mcast", "multicast"),
    *("qc", "quorumcall", "cfg"),
)
"""The first words of commands."""


def parse(line: str, count: int) -> Command | None:
    """What a line says to a cluster of `count` nodes; None if it is blank.

    Raises:
        CommandError: It is no command; the text says what would be.
    """
    words = split_words(line)
    if not words:
        return None
    name, *arguments = words
    match name:
        case "help":
            _expect(arguments, 0, "help")
            return Help()
        case "nodes":
            _expect(arguments, 0, "nodes")
            return Nodes()
        case "exit" | "quit":
            _expect(arguments, 0, name)
            return Exit()
        case "rpc":
            return _parse_rpc(arguments, count)
        case "ucast" | "unicast":
            _expect(arguments, 3, f"{name} <node> <key> <value>")
            return Unicast(parse_index(arguments[0], count), *arguments[1:])
        case "mcast" | "multicast":
            _expect(arguments, 2, f"{name} <key> <value>")
            return Multicast(*arguments)
        case "qc" | "quorumcall":
            return _parse_operation(name, arguments, tuple(range(count)))
        case "cfg":
            if not arguments:
                raise CommandError(f"Usage: cfg <nodes> {'|'.join(OPERATIONS)} <key> [<value>]")
            return _parse_operation("cfg <nodes>", arguments[1:], parse_selection(arguments[0], count))
    raise CommandError(f"Unknown command {name!r}. Type 'help' to see available commands.")


def _parse_rpc(arguments: list[str], count: int) -> RpcRead | RpcWrite:
    if len(arguments) < 2:
        raise CommandError(f"Usage: {_RPC_READ} or {_RPC_WRITE}")
    node, operation, *rest = arguments
    index = parse_index(node, count)
    match operation:
        case "read":
            _expect(rest, 1, _RPC_READ)
            return RpcRead(index, *rest)
        case "write":
            _expect(rest, 2, _RPC_WRITE)
            return RpcWrite(index, *rest)
    raise CommandError(f"Unknown operation {operation!r}: an rpc can read or write.")


def _parse_operation(prefix: str, arguments: list[str], nodes: tuple[int, ...]) -> QuorumCommand:
    if not arguments:
        raise CommandError(f"Usage: {prefix} {'|'.join(OPERATIONS)} <key> [<value>]")
    operation, *rest = arguments
    if read := _READS.get(operation):
        _expect(rest, 1, f"{prefix} {operation} <key>")
        return read(nodes, *rest)
    if write := _WRITES.get(operation):
        _expect(rest, 2, f"{prefix} {operation} <key> <value>")
        return write(nodes, *rest)
    raise CommandError(f"Unknown operation {operation!r}: there are {', '.join(OPERATIONS)}.")


def _expect(arguments: list[str], count: int, usage: str) -> None:
    if len(arguments) != count:
        hint = " (quote what contains spaces)" if len(arguments) > count > 0 else ""
        raise CommandError(f"Usage: {usage}{hint}")
