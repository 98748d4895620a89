"""Failed calls, told with the indices and addresses by which the prompt knows the nodes."""

from collections.abc import Mapping

import pygorums as gorums

__all__ = ["failure_lines", "node_lines"]

_REFUSALS = frozenset(
    {
        gorums.StatusCode.UNIMPLEMENTED,
        gorums.StatusCode.FAILED_PRECONDITION,
        gorums.StatusCode.PERMISSION_DENIED,
        gorums.StatusCode.INVALID_ARGUMENT,
    }
)
"""How a server says that it is there, but will not do what was asked."""


def failure_lines(
    what: str, error: gorums.StatusError | gorums.QuorumCallError, config: gorums.Configuration
) -> list[str]:
    """Why a call failed: one line, and for a call to several nodes one more for each that failed.

    Args:
        what: What failed, such as ``Read``.
        error: Its error.
        config: The nodes that the user can name.
    """
    if isinstance(error, gorums.StatusError):
        return [f"{what} failed: {_node_line(error, error.node_id, config)}"]
    if not error.replies and len(error.node_errors) == 1:
        ((node_id, cause),) = error.node_errors.items()
        return [f"{what} failed: {_node_line(cause, node_id, config)}"]
    if answer := _common_refusal(error):
        return [f"{what} was refused: {answer}"]
    failed = _counted(len(error.node_errors), "error")
    if isinstance(error, gorums.SendError):
        header = f"{what} failed: {failed}, sent to {_counted(error.replies, 'node')}:"
    else:
        # What was known when the call ended: one that fails early does not wait for the rest.
        how = "timed out" if isinstance(error, TimeoutError) else "failed"
        header = f"{what} {how}: {failed}, {_counted(error.replies, 'reply', 'replies')} by then:"
    return [header, *node_lines(error.node_errors, config)]


def _counted(n: int, one: str, many: str = "") -> str:
    return f"{n} {one if n == 1 else many or one + 's'}"


def node_lines(errors: Mapping[int, Exception], config: gorums.Configuration) -> list[str]:
    """One line for each failed node, by node ID, in the order of `config`."""
    return [f"  {_node_line(errors[node.id], node.id, config)}" for node in config if node.id in errors]


def _node_line(error: Exception, node_id: int | None, config: gorums.Configuration) -> str:
    for index, node in enumerate(config):
        if node.id == node_id:
            return f"node {index} ({node.address}): {_reason(error, node.address)}"
    return _reason(error)


def _common_refusal(error: gorums.QuorumCallError) -> str:
    """What the nodes said, if they all said the same: why they do not do this. Else empty."""
    if error.replies:
        return ""
    answers = {_reason(each) if _refuses(each) else "" for each in error.node_errors.values()}
    return answers.pop() if len(answers) == 1 else ""


def _refuses(error: Exception) -> bool:
    return isinstance(error, gorums.StatusError) and error.code() in _REFUSALS


def _reason(error: Exception, address: str = "") -> str:
    if not isinstance(error, gorums.StatusError):
        return " ".join(str(error).split()) or type(error).__name__
    # Not str(error), which names the node by its ID; and the message may begin with the address.
    message = " ".join(error.message.split()).removeprefix(f"{address}: ")
    return f"{error.code.name}: {message}" if message else error.code.name
