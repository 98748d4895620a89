"""Load from threads: the same as `tasks`, for calls that block."""

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from threading import Thread
from time import perf_counter
from typing import Any

from benchmarks.loads.outcome import Outcome

__all__ = ["closed_loop", "window"]


def closed_loop(call: Callable[[], Any], callers: int, seconds: float) -> Outcome:
    """Let a number of threads call, each one again as soon as it has its reply, once at least.

    The first that fails ends all.
    """
    samples: list[float] = []
    errors: list[Exception] = []
    started = perf_counter()
    deadline = started + seconds

    def caller() -> None:
        try:
            ended = perf_counter()
            while not errors:
                begun = ended
                call()
                ended = perf_counter()
                samples.append(ended - begun)
                if ended >= deadline:
                    break
        except Exception as error:
            errors.append(error)

    threads = [Thread(target=caller, name="benchmark-caller") for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = perf_counter() - started
    if errors:
        raise errors[0]
    return Outcome.of(samples, elapsed)


def window(start: Callable[[], Future[Any]], size: int, seconds: float) -> Outcome:
    """Keep a number of calls in flight from one thread, which starts the next one for each that is done.

    A future's callbacks run in the facade's event loop, which must not be blocked and cannot be called from. So all
    they do is to say that a call is over.
    """
    samples: list[float] = []
    ended: SimpleQueue[tuple[float, Future[Any]]] = SimpleQueue()
    started = perf_counter()
    deadline = started + seconds

    def launch() -> None:
        start().add_done_callback(partial(done, perf_counter()))

    def done(begun: float, future: Future[Any]) -> None:
        ended.put((perf_counter() - begun, future))

    for _ in range(size):
        launch()
    in_flight = size
    while in_flight:
        taken, future = ended.get()
        future.result()
        samples.append(taken)
        if perf_counter() < deadline:
            launch()
        else:
            in_flight -= 1
    elapsed = perf_counter() - started
    return Outcome.of(samples, elapsed)
