"""``python -m examples.storage`` on a terminal."""

import pytest

from tests.examples.pty_session import CTRL_C, CTRL_D, ENTER, TAB, UP, PtySession

STORAGE = ("-m", "examples.storage")

# Runs the program as if prompt_toolkit were not installed.
WITHOUT_PROMPT_TOOLKIT = (
    "-c",
    "import sys, runpy; sys.modules['prompt_toolkit'] = None; "
    "sys.argv = ['storage']; runpy.run_module('examples.storage', run_name='__main__', alter_sys=True)",
)


async def test_commands_at_the_prompt() -> None:
    async with PtySession(*STORAGE) as terminal:
        await terminal.expect("> ")
        terminal.type(f"qc write greeting 'hello world'{ENTER}")
        await terminal.expect("Write OK")
        await terminal.expect("> ")
        terminal.type(f"qc read greeting{ENTER}")
        await terminal.expect("greeting = hello world")
        await terminal.expect("> ")
        terminal.type(f"nonsense{ENTER}")
        await terminal.expect("Unknown command 'nonsense'.")
        await terminal.expect("> ")
        terminal.type(f"exit{ENTER}")
        status, rest = await terminal.end()
        assert status == 0
        assert "Traceback" not in rest


async def test_the_history_and_completion() -> None:
    async with PtySession(*STORAGE) as terminal:
        await terminal.expect("> ")
        terminal.type(f"mul{TAB}")
        await terminal.expect("multicast")
        terminal.type(f" key value{ENTER}")
        await terminal.expect("Multicast OK")
        await terminal.expect("> ")
        terminal.type(UP)
        await terminal.expect("multicast key value")
        terminal.type(ENTER)
        await terminal.expect("Multicast OK")
        await terminal.expect("> ")
        terminal.type(CTRL_D)
        assert (await terminal.end())[0] == 0


async def test_ctrl_c_drops_the_line_and_ctrl_d_ends() -> None:
    async with PtySession(*STORAGE) as terminal:
        await terminal.expect("> ")
        terminal.type(f"qc read greet{CTRL_C}")
        await terminal.expect("> ")
        terminal.type(f"qc read missing{ENTER}")
        await terminal.expect("missing was not found")
        await terminal.expect("> ")
        terminal.type(CTRL_D)
        status, rest = await terminal.end()
        assert status == 0
        assert "Traceback" not in rest


@pytest.mark.parametrize(("keys", "expected"), [(CTRL_D, 0), (CTRL_C, 130)])
async def test_a_plain_prompt_without_prompt_toolkit(keys: str, expected: int) -> None:
    async with PtySession(*WITHOUT_PROMPT_TOOLKIT) as terminal:
        await terminal.expect("For history and completion: pip install 'pygorums[examples]'")
        await terminal.expect("> ")
        terminal.type("qc write a b\n")
        await terminal.expect("Write OK")
        await terminal.expect("> ")
        terminal.type(keys)
        status, rest = await terminal.end()
        assert status == expected
        assert "Traceback" not in rest
