"""Splitting a line into words, with quotes and escapes."""

__all__ = ["CommandError", "split_words"]


class CommandError(Exception):
    """A line that is not a command; the text is what the user gets to see, in one line."""


def split_words(line: str) -> list[str]:
    r"""Split `line` at spaces.

    Single and double quotes keep spaces, and may stand anywhere in a word; ``''`` is an empty word. A
    backslash takes the next character as it is, inside quotes too.

    Raises:
        CommandError: A quote is not closed, the line ends with a backslash, or it was not UTF-8.
    """
    if not _is_text(line):
        raise CommandError("The line is not valid UTF-8.")
    words: list[str] = []
    word: str | None = None  # None between words, "" within an empty one
    quote = ""
    escaped = False
    for character in line:
        if escaped:
            word = (word or "") + character
            escaped = False
        elif character == "\\":
            escaped = True
        elif quote:
            if character == quote:
                quote = ""
            else:
                word = (word or "") + character
        elif character in "'\"":
            quote = character
            word = word or ""
        elif not character.isspace():
            word = (word or "") + character
        elif word is not None:
            words.append(word)
            word = None
    if escaped:
        raise CommandError(r"Unfinished escape: the line ends with a backslash. Write \\ for a backslash.")
    if quote:
        raise CommandError(
            f"Unterminated quoted string: a closing {quote} is missing. Write \\{quote} for a plain {quote}."
        )
    if word is not None:
        words.append(word)
    return words


def _is_text(line: str) -> bool:
    # Bytes that cannot be decoded come as surrogates, from a terminal and from us alike.
    return not any("\ud800" <= character <= "\udfff" for character in line)
