"""Who has succeeded and who has failed, and what that decides: the one rule of all calls that wait for several nodes.

Won is when those that have succeeded are enough. Lost is when even all that have not failed would not be. Otherwise
nothing is decided, and after some more successes and failures it always is.
"""

from __future__ import annotations

from pygorums.quorum.rule import Rule

__all__ = ["Counting", "Tally"]


class Counting:
    """What counts for one call: the call itself, where an object more would cost as much as sending, or a `Tally`.

    Attributes:
        rule: What the call needs.
        succeeded: The mask of the nodes that have succeeded.
        failed: The mask of those that have failed. One that has succeeded before, or does later, counts as a success.
    """

    __slots__ = ()
    rule: Rule
    succeeded: int
    failed: int

    def count_success(self, node_id: int) -> bool:
        """A node has succeeded. Whether the call is won."""
        rule = self.rule
        succeeded = self.succeeded | rule.bits.get(node_id, 0)
        self.succeeded = succeeded  # type: ignore[misc]  # the slots are those of who counts
        return rule.enough(succeeded)

    def count_failure(self, node_id: int) -> bool:
        """A node has failed. Whether the call is lost."""
        failed = self.failed | self.rule.bits.get(node_id, 0)
        self.failed = failed  # type: ignore[misc]  # the same
        return self.lost

    @property
    def won(self) -> bool:
        """Whether enough nodes have succeeded."""
        return self.rule.enough(self.succeeded)

    @property
    def lost(self) -> bool:
        """Whether it cannot be won any more."""
        rule = self.rule
        return not rule.enough((rule.everyone & ~self.failed) | self.succeeded)

    @property
    def successes(self) -> int:
        """How many nodes have succeeded."""
        return self.succeeded.bit_count()


class Tally(Counting):
    """Counts for a call that is made of other objects."""

    __slots__ = ("failed", "rule", "succeeded")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.succeeded = 0
        self.failed = 0
