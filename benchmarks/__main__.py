"""``python -m benchmarks``: see ``--help``."""

import sys

from benchmarks.command_line import parse_arguments
from benchmarks.commands import execute
from benchmarks.program import run

if __name__ == "__main__":
    options = parse_arguments()
    sys.exit(run(execute(options), uvloop=options.uvloop))
