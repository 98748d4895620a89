"""Broadcast among the members of a system, and trees to send along.

Built from ordinary multicasts, above everything else; it speaks with nothing but itself.
"""

from pygorums.broadcast.bus import Broadcast, Mode
from pygorums.broadcast.tree import Tree

__all__ = ["Broadcast", "Mode", "Tree"]
