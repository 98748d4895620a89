"""Lines of a terminal, typed at a prompt with history and completion."""

from collections.abc import AsyncIterator, Iterable

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from examples.storage.completion import suggestions
from examples.storage.output import PROMPT

__all__ = ["terminal_lines"]


async def terminal_lines(count: int) -> AsyncIterator[str]:
    """What the user types until Ctrl-D; Ctrl-C drops a line. The history lasts as long as the program.

    Args:
        count: How many nodes there are, for completion.
    """
    session: PromptSession[str] = PromptSession(PROMPT, completer=_CommandCompleter(count), complete_while_typing=False)
    while True:
        try:
            yield await session.prompt_async()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return


class _CommandCompleter(Completer):
    def __init__(self, count: int) -> None:
        self._count = count

    def get_completions(self, document: Document, _: CompleteEvent) -> Iterable[Completion]:
        before = document.text_before_cursor
        typed = before.rpartition(" ")[2]
        for word in suggestions(before, self._count):
            yield Completion(word, start_position=-len(typed))
