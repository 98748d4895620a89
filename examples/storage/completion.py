"""What the Tab key offers."""

from examples.storage.commands import COMMANDS, OPERATIONS

__all__ = ["suggestions"]


def suggestions(before: str, count: int) -> list[str]:
    """The words that can stand at the cursor, in a cluster of `count` nodes.

    Args:
        before: The line up to the cursor; its last word, which may be empty, is the one being typed.
        count: The number of nodes.
    """
    *words, typed = before.split(" ")
    return [word for word in _possible([word for word in words if word], count) if word.startswith(typed)]


def _possible(words: list[str], count: int) -> list[str]:
    nodes = [str(index) for index in range(count)]
    match words:
        case []:
            return list(COMMANDS)
        case ["rpc" | "ucast" | "unicast" | "cfg"]:
            return nodes
        case ["rpc", _]:
            return ["read", "write"]
        case ["qc" | "quorumcall"] | ["cfg", _]:
            return list(OPERATIONS)
    return []
