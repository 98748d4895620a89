"""Text as Python source."""

import ast
import inspect

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protoc_gen_pygorums.render import docstring, literal

HOSTILE = ['"', '""', '"""', '""""', "\\", '\\"', '\\\\"', 'a"\\', "'", "\r\n", "\0", "{{ x }}", "\u202e", "\\N{DASH}"]


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("".join(HOSTILE))
def test_a_literal_is_its_text(text: str) -> None:
    source = literal(text)
    assert ast.literal_eval(source) == text
    assert len(source.splitlines()) == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_docstring_is_its_text(text: str) -> None:
    for whole in (text, text + text, f"{text} {text}", f"x{text}", f"{text}x"):
        assert ast.literal_eval(docstring(whole)) == (f"{whole}\n" if "\n" in whole else whole)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"])), min_size=1), st.sampled_from([0, 4, 8]))
@example(["first", "", "  indented", '"""', "last\\"], 4)
@example(HOSTILE, 8)
def test_a_docstring_is_its_text_indented(lines: list[str], indentation: int) -> None:
    text = "\n".join(lines)
    margin = " " * indentation
    body = ast.literal_eval(docstring(text, indentation))
    first, *rest = body.split("\n")
    assert first == lines[0].split("\n")[0]
    assert [line.removeprefix(margin) for line in rest] == ([*text.split("\n")[1:], ""] if rest else [])
    function = f"def f():\n{margin or ' '}{docstring(text, indentation)}\n"
    assert isinstance(ast.parse(function).body[0], ast.FunctionDef)


def test_a_docstring_reads_like_one() -> None:
    text = 'First line.\n\nMore:\n  indented, with "quotes".'
    assert docstring("Short.", 4) == '"""Short."""'
    assert docstring(text, 4) == '"""First line.\n\n    More:\n      indented, with "quotes".\n    """'
    assert inspect.cleandoc(ast.literal_eval(docstring(text, 4))) == text


def test_what_an_editor_does_not_show_is_escaped() -> None:
    assert docstring("hidden \u202e mark, \u00a0 space, \x1b[31m") == (
        '"""hidden \\u202e mark, \\xa0 space, \\x1b[31m"""'
    )
