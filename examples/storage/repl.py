"""The prompt: reads commands, makes calls, shows what came of them."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from importlib.util import find_spec

import pygorums as gorums
from examples.storage.calls import Calls
from examples.storage.commands import HELP, Exit, Help, Nodes, parse
from examples.storage.output import PROMPT, on_terminal, show
from examples.storage.piped import piped_lines
from examples.storage.signals import on_signals
from examples.storage.words import CommandError

__all__ = ["interruptible", "run_repl"]


async def run_repl(config: gorums.Configuration) -> None:
    """Execute commands from standard input until it ends or one says so.

    On a terminal there is a prompt, and Ctrl-C interrupts only the command that is being executed.
    """
    interactive = on_terminal()
    calls = Calls(config, show)
    async for line in _lines(interactive, len(config)):
        try:
            command = parse(line, len(config))
        except CommandError as error:
            show(str(error))
            continue
        match command:
            case None:
                pass
            case Exit():
                return
            case Help():
                show(HELP)
            case Nodes():
                show("Nodes:")
                for index, node in enumerate(config):
                    show(f"{index}: {node.address}")
            case _:
                call = calls.execute(command)
                await (interruptible(call) if interactive else call)


def _lines(interactive: bool, count: int) -> AsyncIterator[str]:
    if not interactive:
        return _input_lines()
    if find_spec("prompt_toolkit") is None:
        show("For history and completion: pip install 'pygorums[examples]'")
        return _plainly_prompted_lines()
    # Only here, so that a pipe does not wait for its import.
    from examples.storage.terminal import terminal_lines

    return terminal_lines(count)


def _input_lines() -> AsyncIterator[str]:
    # Python has no sys.stdin if it was started without one.
    return piped_lines(-1 if sys.stdin is None else sys.stdin.fileno())


async def _plainly_prompted_lines() -> AsyncIterator[str]:
    print(PROMPT, end="", flush=True)
    async for line in _input_lines():
        yield line
        print(PROMPT, end="", flush=True)
    print()


async def interruptible(call: Coroutine[None, None, None]) -> None:
    """Await a call that Ctrl-C ends, and nothing but the call."""
    with on_signals(lambda: task.cancel(), signal.SIGINT):
        task = asyncio.create_task(call)
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()
    if task.cancelled():
        show("Interrupted")
    else:
        task.result()
