"""What docs/workers.md says: connect when it is first needed, and forked workers are served."""

import os
import re
from pathlib import Path

import pytest

from tests.support.calls import ScriptedCalls
from tests.support.cluster import serving
from tests.support.program import Program

PAGE = Path(__file__).parents[2] / "docs/workers.md"

PARENT = """
import types

replicas = types.ModuleType("replicas")
exec(os.environ["REPLICAS"], vars(replicas))
replicas.ADDRESSES = sys.argv[1:]

def work():
    for _ in range(3):
        reply = echo(replicas.replicas()[0], Text(text="x"), timeout=20)
    os.write(1, f"{reply.number}\\n".encode())  # as one piece: the other worker writes there too

children = []
for _ in range(2):
    child = os.fork()
    if child == 0:
        work()
        sys.exit(0)
    children.append(child)
for child in children:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
async def test_workers_that_connect_when_they_need_it(monkeypatch: pytest.MonkeyPatch) -> None:
    block = re.search(r"```python\n(# replicas\.py\n.*?)```", PAGE.read_text(), re.DOTALL)
    assert block is not None
    monkeypatch.setenv("REPLICAS", block[1])
    async with serving(ScriptedCalls(7)) as address, Program(PARENT, address) as program:
        status, output = await program.ended()
    assert (status, output.split(), program.errors) == (0, ["7", "7"], "")
