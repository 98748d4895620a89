"""What happens to our objects when they are to be sent to another process."""

from __future__ import annotations

import pickle
from typing import Any, NoReturn, Self

__all__ = ["Local", "Shared", "portable"]


class Local:
    """Belongs to this process, with its connections, and cannot be pickled or copied."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} of pygorums cannot be pickled or copied: it belongs to this process and its "
            "connections; send addresses, requests and replies, and connect in the other process"
        )


class Shared(Local):
    """The same, but a copy is the object itself, for it never changes."""

    __slots__ = ()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


def portable(error: Exception, substitute: type[Exception]) -> Exception:
    """An error of somebody else's as it is, if it survives being pickled, or a substitute with its type and text."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return substitute(f"{type(error).__name__}: {error}")
    return error
