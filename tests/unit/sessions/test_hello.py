"""What the ends of a session say, and what is nothing that they could have said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygorums.sessions.hello import SESSION_KEY, Confirmation, Hello, session_value

ID = "0123456789abcdef" * 2
numbers = st.integers(0, (1 << 64) - 1)
ids = st.text("0123456789abcdef", min_size=32, max_size=32)


@given(ids, numbers.filter(bool), st.none() | ids, numbers, st.none() | numbers)
def test_a_hello_is_read_as_it_was_written(
    session: str, attempt: int, token: str | None, received: int, credit: int | None
) -> None:
    hello = Hello(session, attempt, token, received, credit)
    assert Hello.parse(str(hello)) == hello
    assert Hello.parse(f"{hello} later versions say more") == hello


@given(ids, numbers, st.none() | numbers)
def test_a_confirmation_is_read_as_it_was_written(token: str, taken: int, credit: int | None) -> None:
    confirmation = Confirmation(token, taken, credit)
    assert Confirmation.parse(str(confirmation)) == confirmation
    assert Confirmation.parse(f"{confirmation} later versions say more") == confirmation


@pytest.mark.parametrize("more", ["", " ", " x", " -1", " 1x", " +1", " 1.0", f" {'1' * 21}", "  16777216"])
def test_what_is_no_credit_is_as_if_it_were_not_said(more: str) -> None:
    assert Hello.parse(f"1 {ID} 1 - 7{more}") == Hello(ID, 1, None, 7)
    assert Confirmation.parse(f"1 {ID} 7{more}") == Confirmation(ID, 7)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "1",
        f"2 {ID} 1 - 0",
        f"1 {ID} 0 - 0",
        f"1 {ID} 1 0",
        f"1 {ID} 1 - -1",
        f"1 {ID.upper()} 1 - 0",
        f"1 {ID[1:]} 1 - 0",
        f"1 {ID} 1 {ID}0 0",
        f"1  {ID} 1 - 0",
        f"1 {ID} 1 - 0\n",
        f"1 {ID} {1 << 64} - 0",
        f"1 {ID} 1 - {1 << 64}",
        f"1 {ID} 1 - {'0' * 21}",
        f"1 {ID} \N{ARABIC-INDIC DIGIT ONE} - 0",
        f"1 {ID} 1 - 0 {'x' * 1000}",
    ],
)
def test_what_is_no_hello(value: str | None) -> None:
    assert Hello.parse(value) is None


@pytest.mark.parametrize(
    "value", [None, "", "1", ID, f"1 {ID}", f"0 {ID} 0", f"1 {ID} {1 << 64}", f"1 {ID} x", f"1 {ID} 0 é"]
)
def test_what_is_no_confirmation(value: str | None) -> None:
    assert Confirmation.parse(value) is None


@given(st.text(st.characters(max_codepoint=127), max_size=60) | st.text(max_size=60))
def test_any_text_is_read_or_is_nothing(text: str) -> None:
    hello, confirmation = Hello.parse(text), Confirmation.parse(text)
    assert hello is None or text.startswith(str(hello)[:35])
    assert confirmation is None or text.startswith(str(confirmation)[:35])


def test_who_says_two_things_says_nothing() -> None:
    assert session_value(((SESSION_KEY, "a"), ("other", "b"))) == "a"
    assert session_value(((SESSION_KEY, "a"), (SESSION_KEY, "a"))) is None
    assert session_value(()) is None
