import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.storage.piped import piped_lines
from tests.support.waiting import within


async def lines_of(descriptor: int) -> list[str]:
    return [line async for line in piped_lines(descriptor)]


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"one\n\ntwo\n", ["one", "", "two"]),
        (b"one\ntwo", ["one", "two"]),
        (b"one\r\ntwo\r\n", ["one", "two"]),
        ("blåbær\n".encode(), ["blåbær"]),
        (b"\xe5\n", ["\udce5"]),
        (b"x" * 200_000 + b"\ny\n", ["x" * 200_000, "y"]),
    ],
)
async def test_lines_of_a_file(content: bytes, lines: list[str], tmp_path: Path) -> None:
    path = tmp_path / "commands"
    path.write_bytes(content)
    with path.open("rb") as file:
        assert await within(lines_of(file.fileno())) == lines


async def test_a_line_comes_as_soon_as_it_is_complete() -> None:
    reading, writing = os.pipe()
    lines = piped_lines(reading)
    os.write(writing, b"first\nsec")
    assert await within(anext(lines)) == "first"
    os.write(writing, b"ond\n")
    assert await within(anext(lines)) == "second"
    os.write(writing, b"last")
    os.close(writing)
    assert await within(anext(lines)) == "last"
    assert [line async for line in lines] == []
    os.close(reading)


async def test_a_descriptor_that_cannot_be_read_is_at_its_end() -> None:
    assert await within(lines_of(-1)) == []


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"))))
async def test_what_is_written_comes_back(lines: Sequence[str]) -> None:
    with tempfile.TemporaryFile() as file:
        file.write("".join(f"{line}\n" for line in lines).encode())
        file.seek(0)
        assert await within(lines_of(file.fileno())) == lines
