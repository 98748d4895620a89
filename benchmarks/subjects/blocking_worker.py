"""The process of a blocking client, for `blocking_client`.

``python -m benchmarks.subjects.blocking_worker SETUP`` reads tasks from standard input and writes what has come of each
to standard output, a line each, until its input ends.
"""

import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import replace

import grpc

import pygorums
import pygorums.sync
from benchmarks.loads.outcome import Outcome, ThreadLoad
from benchmarks.measuring.usage import resident_bytes
from benchmarks.servers.baselines import UNLIMITED
from benchmarks.subjects.blocking_fan_out import BlockingFanOut
from benchmarks.subjects.blocking_work import CONNECT_LIMIT, Answer, BlockingKind, BlockingWork, Setup, Task
from benchmarks.subjects.facade_loads import Facade
from benchmarks.subjects.targets import CHANNEL_OPTIONS
from benchmarks.transports import transport_arguments

__all__: list[str] = []


def _main(setup: str) -> None:
    # Ctrl-C reaches the whole group of processes; whoever started this one says when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with ExitStack() as stack:
        try:
            loads = _Loads(stack, Setup.decoded(setup))
        except TimeoutError:
            _say(Answer(error=f"the blocking client was not connected within {CONNECT_LIMIT:.0f} s"))
            return
        _say(Answer())
        for line in sys.stdin.buffer:
            _say(loads.run(Task.decoded(line)))


def _say(answer: Answer) -> None:
    sys.stdout.buffer.write(answer.encoded())
    sys.stdout.buffer.flush()


class _Loads:
    """The loads, each of which is made when it is first asked for.

    Args:
        stack: Closes the connections.
        setup: To whom.
    """

    def __init__(self, stack: ExitStack, setup: Setup) -> None:
        config = stack.enter_context(
            pygorums.sync.connect(
                setup.addresses,
                send_buffer=setup.send_buffer,
                channel_options=UNLIMITED,
                **transport_arguments(setup.transport),
            )
        )
        config.wait_connected(timeout=CONNECT_LIMIT)
        facade = Facade(config)
        self._made: dict[BlockingWork, ThreadLoad] = {}
        self._makers = {
            BlockingKind.QUORUM_CALL: facade.quorum_call_load,
            BlockingKind.ASYNC_QUORUM_CALL: facade.async_quorum_call_load,
            BlockingKind.FAN_OUT: stack.enter_context(BlockingFanOut(setup.baselines, CHANNEL_OPTIONS)).load,
        }

    def run(self, task: Task) -> Answer:
        """Put on a load."""
        work = task.work
        if work not in self._made:
            self._made[work] = self._makers[work.kind](work.quorum, work.in_flight, work.payload)
        try:
            return Answer(_measured(self._made[work], task.seconds))
        except (pygorums.GorumsError, grpc.RpcError) as error:
            return Answer(error=error.details() if isinstance(error, grpc.Call) else str(error))


def _measured(load: ThreadLoad, seconds: float) -> Outcome:
    before = time.process_time()
    outcome = load(seconds)
    return replace(outcome, client_cpu=time.process_time() - before, client_memory=resident_bytes())


if __name__ == "__main__":
    _main(*sys.argv[1:])
