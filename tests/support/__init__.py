"""Instruments that more than one folder uses.

Servers, scripted peers, a bad network, bounded waits; and tests of them.
"""

from tests.support.eager import use_eager_tasks_if_asked

use_eager_tasks_if_asked()
