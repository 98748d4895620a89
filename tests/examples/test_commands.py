import re

import pytest

from examples.storage import commands
from examples.storage.commands import parse
from examples.storage.words import CommandError

ALL = (0, 1, 2, 3)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("", None),
        ("  ", None),
        ("help", commands.Help()),
        ("nodes", commands.Nodes()),
        ("exit", commands.Exit()),
        ("quit", commands.Exit()),
        ("rpc 0 read greeting", commands.RpcRead(0, "greeting")),
        ("rpc 3 write greeting hello", commands.RpcWrite(3, "greeting", "hello")),
        ("ucast 1 greeting world", commands.Unicast(1, "greeting", "world")),
        ("unicast 1 greeting world", commands.Unicast(1, "greeting", "world")),
        ("mcast greeting gorums", commands.Multicast("greeting", "gorums")),
        ("multicast greeting gorums", commands.Multicast("greeting", "gorums")),
        ("qc read greeting", commands.QuorumRead(ALL, "greeting")),
        ("quorumcall read greeting", commands.QuorumRead(ALL, "greeting")),
        ("qc write greeting 'hello world'", commands.QuorumWrite(ALL, "greeting", "hello world")),
        ("qc write '' ''", commands.QuorumWrite(ALL, "", "")),
        ("qc cread greeting", commands.CorrectableRead(ALL, "greeting")),
        ("qc nread greeting", commands.NestedRead(ALL, "greeting")),
        ("qc nwrite greeting hello", commands.NestedWrite(ALL, "greeting", "hello")),
        ("cfg 1:3 read greeting", commands.QuorumRead((1, 2), "greeting")),
        ("cfg 0,2 write greeting hello", commands.QuorumWrite((0, 2), "greeting", "hello")),
        ("cfg :2 cread greeting", commands.CorrectableRead((0, 1), "greeting")),
        ("cfg 1: nread greeting", commands.NestedRead((1, 2, 3), "greeting")),
        ("cfg 2 nwrite greeting hello", commands.NestedWrite((2,), "greeting", "hello")),
    ],
)
def test_commands_to_four_nodes(line: str, command: commands.Command | None) -> None:
    assert parse(line, 4) == command


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("read greeting", "Unknown command 'read'. Type 'help' to see available commands."),
        ("HELP", "Unknown command 'HELP'. Type 'help' to see available commands."),
        ("''", "Unknown command ''. Type 'help' to see available commands."),
        ("nodes 1", "Usage: nodes"),
        ("quit now", "Usage: quit"),
        ("rpc", "Usage: rpc <node> read <key> or rpc <node> write <key> <value>"),
        ("rpc 0", "Usage: rpc <node> read <key> or rpc <node> write <key> <value>"),
        ("rpc 0 read", "Usage: rpc <node> read <key>"),
        ("rpc 0 read a b", "Usage: rpc <node> read <key> (quote what contains spaces)"),
        ("rpc 0 write a", "Usage: rpc <node> write <key> <value>"),
        ("rpc 0 cread a", "Unknown operation 'cread': an rpc can read or write."),
        ("rpc 4 read a", "There is no node 4: the nodes are 0 to 3."),
        ("rpc read a", "'read' is not a node: the nodes are 0 to 3."),
        ("ucast 0 a", "Usage: ucast <node> <key> <value>"),
        ("unicast 0 a b c", "Usage: unicast <node> <key> <value> (quote what contains spaces)"),
        ("ucast x a b", "'x' is not a node: the nodes are 0 to 3."),
        ("mcast a", "Usage: mcast <key> <value>"),
        ("qc", "Usage: qc read|write|cread|nread|nwrite <key> [<value>]"),
        ("qc delete a", "Unknown operation 'delete': there are read, write, cread, nread, nwrite."),
        ("qc read", "Usage: qc read <key>"),
        ("quorumcall write a", "Usage: quorumcall write <key> <value>"),
        ("qc write a b c", "Usage: qc write <key> <value> (quote what contains spaces)"),
        ("cfg", "Usage: cfg <nodes> read|write|cread|nread|nwrite <key> [<value>]"),
        ("cfg 0:2", "Usage: cfg <nodes> read|write|cread|nread|nwrite <key> [<value>]"),
        ("cfg 0:2 write a", "Usage: cfg <nodes> write <key> <value>"),
        ("cfg 0,0 read a", "Invalid configuration '0,0': duplicate index: 0."),
        ("qc read 'a", r"Unterminated quoted string: a closing ' is missing. Write \' for a plain '."),
    ],
)
def test_what_is_no_command_is_explained_in_a_line(line: str, message: str) -> None:
    with pytest.raises(CommandError, match=f"^{re.escape(message)}$"):
        parse(line, 4)


def test_the_help_names_every_command_and_operation() -> None:
    described = set(re.findall(r"[a-z]+", commands.HELP))
    assert described >= {*commands.COMMANDS, *commands.OPERATIONS}


@pytest.mark.parametrize("name", [name for name in commands.COMMANDS if name not in {"help", "nodes", "exit", "quit"}])
def test_a_command_without_what_it_needs_says_what_that_is(name: str) -> None:
    with pytest.raises(CommandError, match=f"^Usage: {name} "):
        parse(name, 4)
