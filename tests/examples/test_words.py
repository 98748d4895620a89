import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from examples.storage.words import CommandError, split_words

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("   \t ", []),
        ("one", ["one"]),
        ("  one\ttwo   three ", ["one", "two", "three"]),
        ("'one two' three", ["one two", "three"]),
        ('"one two" three', ["one two", "three"]),
        ("'' \"\"", ["", ""]),
        ("a''b", ["ab"]),
        ("a' 'b\" \"c", ["a b c"]),
        ("'say \"hi\"'", ['say "hi"']),
        ('"it\'s"', ["it's"]),
        (r"one\ two", ["one two"]),
        (r"\'\"\\", ["'\"\\"]),
        (r"'it\'s'", ["it's"]),
        (r'"a \"b\" c"', ['a "b" c']),
        (r"\n", ["n"]),
        ("blåbær 'en søt'", ["blåbær", "en søt"]),
    ],
)
def test_lines_are_split(line: str, words: list[str]) -> None:
    assert split_words(line) == words


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("qc read 'key", r"Unterminated quoted string: a closing ' is missing. Write \' for a plain '."),
        ('qc read "key', r'Unterminated quoted string: a closing " is missing. Write \" for a plain ".'),
        (r"'key\'", r"Unterminated quoted string: a closing ' is missing. Write \' for a plain '."),
        ("key\\", r"Unfinished escape: the line ends with a backslash. Write \\ for a backslash."),
        ("'key\\", r"Unfinished escape: the line ends with a backslash. Write \\ for a backslash."),
        ("k\udce5y", "The line is not valid UTF-8."),
    ],
)
def test_what_cannot_be_split_is_explained_in_a_line(line: str, message: str) -> None:
    with pytest.raises(CommandError, match=re.escape(message)):
        split_words(line)


@given(st.lists(TEXT))
@example(["", "a b", "it's", '"', "\\"])
def test_escaped_or_quoted_words_come_back(words: list[str]) -> None:
    escaped = " ".join("".join("\\" + character for character in word) or "''" for word in words)
    assert split_words(escaped) == words
    quoted = " ".join("'" + word.replace("\\", r"\\").replace("'", r"\'") + "'" for word in words)
    assert split_words(quoted) == words


@given(st.text())
def test_any_line_is_split_or_explained(line: str) -> None:
    problem = ""
    words: list[str] = []
    try:
        words = split_words(line)
    except CommandError as error:
        problem = str(error)
    assert "\n" not in problem
    assert sum(map(len, words)) <= len(line)
