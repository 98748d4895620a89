"""The bytes of docs/wire.md are those that are sent."""

import re
from pathlib import Path

from pygorums.sessions.hello import SESSION_KEY, Confirmation, Hello
from pygorums.wire.framing import encode_ack, encode_message, encode_session_end, method_field

PAGE = (Path(__file__).parents[2] / "docs" / "wire.md").read_text(encoding="utf-8")
EXAMPLE = PAGE[PAGE.index("#### An example") : PAGE.index("### An answer before anything else")]
SESSION, TOKEN = "5" * 32, "7" * 32


def shown() -> list[str]:
    """What each line of the example says is sent: the opener's and the acceptor's, without what is said of it."""
    rows = re.findall(r"^\| (?:opener|acceptor) \| (.+) \|$", EXAMPLE, re.MULTILINE)
    return [" ".join(re.findall(r"`([^`]+)`", row.partition(":" if row[1].isdigit() else "\0")[0])) for row in rows]


def test_the_example_of_a_session() -> None:
    def call(number: int, value: int) -> bytes:
        return encode_message(number, method_field("c.C.Add"), bytes((8, value)))

    said = [
        f"{SESSION_KEY}: {Hello(SESSION, 1, None, 0)}",
        f"{SESSION_KEY}: {Confirmation(TOKEN, 0)}",
        (encode_ack(0) + call(1, 1)).hex(" "),
        call(1, 1).hex(" "),
        call(2, 1).hex(" "),
        f"{SESSION_KEY}: {Hello(SESSION, 2, TOKEN, 1)}",
        f"{SESSION_KEY}: {Confirmation(TOKEN, 2)}",
        encode_ack(1).hex(" "),
        call(2, 2).hex(" "),
        encode_session_end(2).hex(" "),
        encode_ack(2).hex(" "),
    ]
    page = [re.sub(r"\bS\b", SESSION, re.sub(r"\bT\b", TOKEN, text)) for text in shown()]
    assert [re.sub(rf"^({SESSION_KEY}: [^`]*?) on.*", r"\1", text) for text in page] == said
