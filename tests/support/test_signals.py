"""The suite hears the signals that its tests send, whatever whoever started it has done to them."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

STARTER = """
import os, signal, sys
numbers = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
if sys.argv[1] == "ignored":
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)
else:
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""

TESTS = """
import os, signal, subprocess, sys
import pytest

def test_here():
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
        signal.sigtimedwait((), 10)  # until the handler has raised

@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_program(number):
    source = "import time; print('up', flush=True); time.sleep(20)"
    program = [sys.executable, "-c", source]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        assert running.stdout.readline() == b"up\\n"
        running.send_signal(number)
        try:
            assert running.wait(10) == -number
        finally:
            running.kill()
"""


@pytest.mark.parametrize("how", ["ignored", "blocked"])
def test_signals_that_were_inherited(how: str, tmp_path: Path) -> None:
    tests = tmp_path / "test_it.py"
    tests.write_text(TESTS)
    config = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT)]
    options = ["-p", "tests.conftest", "-p", "no:cacheprovider", *config]
    run = subprocess.run(
        [sys.executable, "-c", STARTER, how, "-m", "pytest", "-q", *options, str(tests)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "4 passed" in run.stdout
