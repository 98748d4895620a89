"""Texts of peers, made safe to be shown."""

from hypothesis import given
from hypothesis import strategies as st

from pygorums.base.shown import shown


def test_what_can_be_printed_stays() -> None:
    assert shown("Zoë says: 'blåbær' 🫐 C:\\temp") == "Zoë says: 'blåbær' 🫐 C:\\temp"


def test_what_cannot_is_escaped() -> None:
    assert shown("a\nb\r\x1b[31mred\x07\x9b\u202eleft\u2028") == "a\\nb\\r\\x1b[31mred\\x07\\x9b\\u202eleft\\u2028"


def test_what_is_long_is_cut() -> None:
    assert shown("x" * 50, limit=10) == "x" * 10 + "… (50 characters)"


@given(st.text())
def test_always_one_printable_line(text: str) -> None:
    assert shown(text).isprintable()
    assert len(shown(text).splitlines()) <= 1
