"""The page on security: its settings can be used, and its table has all of them."""

import re
from pathlib import Path

import pytest

import pygorums as gorums
from pygorums.streams.options import StreamOptions
from tests.examples.documents import blocks_of
from tests.support.calls import ScriptedCalls

PAGE = Path(__file__).parents[2] / "docs" / "security.md"


async def test_the_settings_for_strangers() -> None:
    (block,) = (block for block in blocks_of(PAGE.read_text()) if block.language == "python")
    names = {"gorums": gorums, "Storage": ScriptedCalls}
    exec(compile(block.text, str(PAGE), "exec"), names)  # it is ours, and has to run
    server = names["server"]
    assert isinstance(server, gorums.Server)
    await server.stop()


def test_every_limit_is_listed() -> None:
    listed = set(re.findall(r"^\| `(pygorums\.max_\w+)`", PAGE.read_text(), re.MULTILINE))
    with pytest.raises(gorums.ConfigurationError) as error:
        StreamOptions.of([("pygorums.nonsense", 1)])
    assert listed == {name for name in re.findall(r"pygorums\.\w+", str(error.value)) if "max_" in name}
